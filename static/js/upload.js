// <kg-upload>: sends a file in pieces by tus 1.0, with checksums, and goes on where it stopped after a cut, a pause or a reload.
import { csrfToken } from "./app.js";
import { Refused, TUS, refusal } from "./tus.js";

const PIECE = 4 * 1024 * 1024;
const WAITS = [1, 2, 4, 8, 15, 30]; // seconds between tries

export function bytes(count) {
  const unit = count < 1e6 ? ["kB", 1e3] : count < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  return `${(count / unit[1]).toLocaleString(document.documentElement.lang, { maximumFractionDigits: unit[0] === "kB" ? 0 : 1 })} ${unit[0]}`;
}

/** Words of a template attribute with {names} filled in. */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

class Upload extends HTMLElement {
  connectedCallback() {
    for (const name of ["asset", "duration", "drop", "file", "row", "name", "status", "bar", "thumb", "play", "pause", "go", "remove"]) {
      this[`$${name}`] = this.querySelector(`[data-${name}]`);
    }
    this.$file.addEventListener("change", () => this.$file.files[0] && this.start(this.$file.files[0]));
    this.$remove.addEventListener("click", () => this.clear());
    this.$pause?.addEventListener("click", () => this.pause());
    this.$go?.addEventListener("click", () => this.resume());
    for (const name of ["dragover", "dragleave", "drop"]) this.$drop.addEventListener(name, (event) => this.drag(event));
    addEventListener("online", () => this.hurry?.());
    addEventListener("beforeunload", (event) => this.busy && event.preventDefault());
    if (this.$asset.value) this.bar(1);
  }

  drag(event) {
    event.preventDefault();
    this.$drop.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop" && event.dataTransfer.files[0]) this.start(event.dataTransfer.files[0]);
  }

  say(text, bad = false) {
    this.$status.textContent = text;
    this.$status.classList.toggle("bad", bad);
  }

  bar(share) {
    if (!this.$bar) return;
    this.$bar.firstElementChild.style.setProperty("--p", share);
    this.$bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    this.$bar.hidden = share === 1;
  }

  async start(file) {
    this.file = file;
    this.run = Symbol("run");
    this.$drop.hidden = true;
    this.$row.hidden = false;
    this.$name.textContent = file.name;
    this.bar(0);
    if (file.size > Number(this.dataset.max)) {
      this.say(fill(this.dataset.textLarge, { size: bytes(file.size), limit: bytes(Number(this.dataset.max)) }), true);
      return;
    }
    if (!this.fits(file)) {
      this.say(this.dataset.textWrong, true);
      return;
    }
    if (this.dataset.kind === "media") this.look(file);
    else if (this.dataset.what === "picture") this.picture(file);
    await this.send(this.run);
  }

  /** Whether the file is of the kind that belongs here, as far as the browser knows; the server looks at its bytes. */
  fits(file) {
    const wanted = { picture: ["image"], video: ["video"], sound: ["audio", "video"] }[this.dataset.what];
    return !wanted || !file.type || wanted.includes(file.type.split("/")[0]);
  }

  /** A small picture of a picture. */
  picture(file) {
    const image = new Image();
    image.alt = "";
    image.src = URL.createObjectURL(file);
    this.$thumb?.replaceChildren(image);
  }

  /** Length and a picture of the file, if this browser can open it; the price needs the length. */
  look(file) {
    const video = document.createElement("video");
    video.muted = true;
    video.preload = "metadata";
    video.src = URL.createObjectURL(file);
    video.addEventListener("loadedmetadata", () => {
      if (this.file !== file || !Number.isFinite(video.duration)) return;
      this.$duration.value = String(Math.round(video.duration * 1000));
      if (this.$play) {
        this.$play.src = video.src;
        this.$play.hidden = false;
      }
      if (video.videoWidth && this.dataset.what !== "sound") {
        video.currentTime = Math.min(1, video.duration / 2);
        this.$thumb?.replaceChildren(video);
        this.dispatchEvent(new CustomEvent("kg:video", { bubbles: true, detail: { url: video.src, ratio: video.videoWidth / video.videoHeight } }));
      }
      this.changed();
    });
  }

  get memory() {
    return `tus:${this.dataset.kind}:${this.file.name}:${this.file.size}:${this.file.lastModified}`;
  }

  async send(run) {
    this.busy = true;
    this.controls("sending");
    let tries = 0;
    let offset = null;
    let started = performance.now();
    let from = 0;
    while (this.run === run) {
      try {
        if (offset === null) {
          offset = await this.open();
          started = performance.now();
          from = offset;
          if (offset > 0) this.say(fill(this.dataset.textContinue, { done: bytes(offset) }));
        }
        if (offset >= this.file.size && this.$asset.value) break;
        offset = await this.piece(offset, run);
        tries = 0;
        this.progress(offset, from, started);
      } catch (error) {
        if (this.run !== run) return;
        if (error instanceof Refused) {
          this.busy = false;
          localStorage.removeItem(this.memory);
          this.controls("ended");
          this.say(fill(this.dataset.textFailed, { reason: error.message }), true);
          return;
        }
        const wait = WAITS[Math.min(tries, WAITS.length - 1)];
        tries += 1;
        offset = null; // the server knows how far it got
        await this.wait(wait, run);
      }
    }
    if (this.run !== run) return;
    this.busy = false;
    localStorage.removeItem(this.memory);
    this.bar(1);
    this.controls("ended");
    this.say(`${this.dataset.textReady}, ${bytes(this.file.size)}`);
    this.changed();
    // A worker measures the file about now; its length decides the price.
    for (const wait of [1500, 5000]) setTimeout(() => this.$asset.value && this.changed(), wait);
  }

  /** The offset to go on from: of an upload begun earlier, else of a new one. */
  async open() {
    const known = localStorage.getItem(this.memory);
    if (known) {
      const answer = await fetch(known, { method: "HEAD", headers: TUS, credentials: "same-origin" });
      if (answer.ok) {
        this.url = known;
        this.took(answer);
        return Number(answer.headers.get("Upload-Offset"));
      }
      if (answer.status >= 500) throw new Error(String(answer.status));
      localStorage.removeItem(this.memory);
    }
    const name = btoa(String.fromCharCode(...new TextEncoder().encode(this.file.name)));
    const answer = await fetch(this.dataset.endpoint, {
      method: "POST",
      credentials: "same-origin",
      headers: { ...TUS, "X-CSRFToken": csrfToken(), "Upload-Length": String(this.file.size), "Upload-Metadata": `filename ${name},kind ${btoa(this.dataset.kind)}` },
    });
    await this.check(answer);
    this.url = new URL(answer.headers.get("Location"), location.href).href;
    localStorage.setItem(this.memory, this.url);
    return 0;
  }

  async piece(offset, run) {
    const part = this.file.slice(offset, offset + PIECE);
    const headers = { ...TUS, "X-CSRFToken": csrfToken(), "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
    if (crypto.subtle) {
      const digest = await crypto.subtle.digest("SHA-256", await part.arrayBuffer());
      headers["Upload-Checksum"] = `sha256 ${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
    }
    this.abort = new AbortController();
    const answer = await fetch(this.url, { method: "PATCH", body: part, headers, credentials: "same-origin", signal: this.abort.signal });
    if (this.run !== run) return offset;
    if ([409, 423, 460].includes(answer.status)) throw new Error(String(answer.status));
    await this.check(answer);
    this.took(answer);
    return Number(answer.headers.get("Upload-Offset"));
  }

  /** A refusal in words ends the upload; a broken server is only a reason to wait. */
  async check(answer) {
    if (answer.ok) return;
    if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
    throw await refusal(answer);
  }

  took(answer) {
    const asset = answer.headers.get("Kinoglot-Asset");
    if (asset) this.$asset.value = asset;
  }

  progress(offset, from, started) {
    const share = offset / this.file.size;
    this.bar(Math.min(share, 0.999));
    const speed = (offset - from) / ((performance.now() - started) / 1000);
    const left = speed > 0 ? (this.file.size - offset) / speed : 0;
    const words = left > 90 ? fill(this.dataset.textMin, { n: Math.round(left / 60) }) : fill(this.dataset.textSec, { n: Math.max(1, Math.round(left)) });
    this.say(fill(this.dataset.textPart, { done: bytes(offset), total: bytes(this.file.size), left: words }));
  }

  async wait(seconds, run) {
    for (let left = seconds; left > 0 && this.run === run; left -= 1) {
      this.say(fill(this.dataset.textResume, { s: left }));
      await new Promise((done) => {
        this.hurry = done;
        setTimeout(done, 1000);
      });
    }
  }

  pause() {
    this.run = null;
    this.busy = false;
    this.abort?.abort();
    this.controls("paused");
    this.say(fill(this.dataset.textPaused, { done: bytes((Number(this.$bar?.getAttribute("aria-valuenow") ?? 0) / 100) * this.file.size), total: bytes(this.file.size) }));
  }

  resume() {
    this.run = Symbol("run");
    this.send(this.run);
  }

  controls(state) {
    if (this.$pause) this.$pause.hidden = state !== "sending";
    if (this.$go) this.$go.hidden = state !== "paused";
  }

  clear() {
    const unfinished = this.busy || (this.file && !this.$asset.value);
    this.run = null;
    this.busy = false;
    this.abort?.abort();
    if (unfinished && this.url) {
      fetch(this.url, { method: "DELETE", headers: { ...TUS, "X-CSRFToken": csrfToken() }, credentials: "same-origin" }).catch(() => {});
    }
    if (this.file) localStorage.removeItem(this.memory);
    this.file = null;
    this.url = null;
    this.$asset.value = "";
    if (this.$duration) this.$duration.value = "";
    if (this.$play) {
      this.$play.removeAttribute("src");
      this.$play.load();
      this.$play.hidden = true;
    }
    this.$file.value = "";
    this.$row.hidden = true;
    this.$drop.hidden = false;
    this.say("");
    this.changed();
  }

  changed() {
    this.dispatchEvent(new CustomEvent("kg:changed", { bubbles: true }));
  }
}

customElements.define("kg-upload", Upload);
