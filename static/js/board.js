// <kg-live>: keeps a server-rendered fragment up to date. A server-sent event only says "look again"; the fragment is the truth.
// data-events: SSE address; data-src: fragment address, empty for the page's own; data-live-done inside: nothing more will change.
import { morph } from "./morph.js";

const LEAST_MS = 450; // at most about two looks a second
const POLL_MS = 3000; // when the stream cannot be had
const REST_MS = 20000; // a safety look even with a healthy stream

class Live extends HTMLElement {
  connectedCallback() {
    this.waiting = null;
    this.last = 0;
    if (!this.done) this.listen();
    this.timer = setInterval(() => this.tick(), 1000);
    document.addEventListener("visibilitychange", this);
  }

  disconnectedCallback() {
    this.stream?.close();
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this);
  }

  get done() {
    return this.querySelector("[data-live-done]") !== null;
  }

  handleEvent() {
    if (!document.hidden) this.look();
  }

  listen() {
    this.stream = new EventSource(this.dataset.events);
    for (const name of ["event", "progress", "message"]) this.stream.addEventListener(name, () => this.look());
    this.stream.addEventListener("open", () => this.state("on"));
    this.stream.addEventListener("error", () => this.state("poll"));
  }

  state(name) {
    this.dataset.state = name;
    for (const label of this.querySelectorAll("[data-live-label]")) label.hidden = label.dataset.liveLabel !== name;
  }

  tick() {
    if (this.done || document.hidden) return;
    const pause = this.dataset.state === "on" ? REST_MS : POLL_MS;
    if (Date.now() - this.last > pause) this.look();
  }

  look() {
    if (this.waiting) {
      this.again = true; // news that comes while an answer is on its way may not be in it
      return;
    }
    this.waiting = setTimeout(async () => {
      this.again = false;
      await this.refresh();
      this.waiting = null;
      if (this.again && !this.done) this.look();
    }, Math.max(0, LEAST_MS - (Date.now() - this.last)));
  }

  /** Once nothing plays: nobody wants a film to jump away. */
  reload() {
    const playing = [...document.querySelectorAll("video")].find((video) => !video.paused && !video.ended);
    if (!playing) location.reload();
    else for (const name of ["pause", "ended"]) playing.addEventListener(name, () => location.reload(), { once: true });
  }

  async refresh() {
    this.last = Date.now();
    let answer;
    try {
      answer = await fetch(this.dataset.src || location.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    } catch {
      return; // offline: the next tick tries again
    }
    if (!answer.ok || answer.redirected) return;
    const was = this.dataset.version;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-fragment]");
    const mine = this.querySelector("[data-fragment]");
    if (!fresh || !mine) return;
    keepOlder(mine, fresh);
    morph(mine, fresh);
    this.state(this.dataset.state ?? "poll");
    this.dispatchEvent(new CustomEvent("kg:fresh", { bubbles: true }));
    // Downloads, player and costs appear with a new version of the job: load the page again, keeping the scroll position.
    const now = fresh.dataset.version;
    if (was && now && was !== now) this.reload();
    if (now) this.dataset.version = now;
    if (this.done) this.stream?.close();
  }
}

/** Rows that "Show older" added stay: the fresh list ends earlier, and its end is put after them. */
function keepOlder(mine, fresh) {
  const last = [...fresh.querySelectorAll("tr[data-key]:not(.more)")].at(-1);
  if (!last || !fresh.querySelector("tr.more")) return;
  const older = [];
  let row = mine.querySelector(`tr[data-key="${last.dataset.key}"]`)?.nextElementSibling;
  for (; row; row = row.nextElementSibling) older.push(row.cloneNode(true));
  if (!older.length) return;
  fresh.querySelector("tr.more").remove();
  last.after(...older);
}

customElements.define("kg-live", Live);
