// <kg-player>: original and translation side by side, in step, with captions, a waveform as seek bar, and keys.
import { clock, drawWave, loadPeaks } from "./wave.js";

const SPEEDS = [1, 1.25, 1.5, 2, 0.75];
const DRIFT = 0.08; // seconds that two pictures may be apart before the follower is moved

class Player extends HTMLElement {
  connectedCallback() {
    this.panes = Object.fromEntries([...this.querySelectorAll("[data-pane]")].map((pane) => [pane.dataset.pane, pane]));
    this.videos = Object.fromEntries(Object.entries(this.panes).map(([name, pane]) => [name, pane.querySelector("video")]));
    this.playButton = this.querySelector("[data-play]");
    this.timeLabel = this.querySelector("[data-time]");
    this.lengthLabel = this.querySelector("[data-length]");
    this.canvas = this.querySelector("canvas");
    this.range = this.querySelector(".seek input");
    this.screen = this.querySelector(".screen");
    this.view = this.panes.target && this.panes.source ? "both" : this.panes.target ? "target" : "source";
    this.peaks = [];
    this.bind();
    this.show(this.view);
    this.captions(this.querySelector("[data-captions]")?.value ?? "");
    loadPeaks(this.dataset.peaks).then((peaks) => {
      this.peaks = peaks;
      this.paint();
    });
  }

  disconnectedCallback() {
    cancelAnimationFrame(this.frame);
    removeEventListener("kg:theme", this.repaint);
    document.removeEventListener("keydown", this.onKey);
    this.observer?.disconnect();
  }

  /** The one that is heard and that the other follows. */
  get lead() {
    return (this.view === "source" && this.videos.source) || this.videos.target || this.videos.source; // a still has no time of its own
  }

  get follower() {
    return this.view === "both" ? this.videos.source : null;
  }

  get length() {
    const own = this.lead?.duration;
    return Number.isFinite(own) && own > 0 ? own : Number(this.dataset.duration) || 0;
  }

  bind() {
    this.playButton.addEventListener("click", () => this.toggle());
    this.range.addEventListener("input", () => this.seek((Number(this.range.value) / 1000) * this.length));
    this.querySelector("[data-speed]")?.addEventListener("click", (event) => this.speed(event.currentTarget));
    this.querySelector("[data-mute]")?.addEventListener("click", () => this.mute());
    this.querySelector("[data-full]")?.addEventListener("click", () => this.full());
    this.querySelector("[data-captions]")?.addEventListener("change", (event) => this.captions(event.target.value));
    for (const button of this.querySelectorAll("[data-view]")) button.addEventListener("click", () => this.show(button.dataset.view));
    for (const video of Object.values(this.videos)) {
      if (!video) continue;
      for (const name of ["play", "pause", "ended"]) video.addEventListener(name, () => video === this.lead && this.playing());
      for (const name of ["timeupdate", "seeked", "loadedmetadata"]) video.addEventListener(name, () => this.paint());
      video.addEventListener("error", () => this.broken(video));
    }
    for (const pane of Object.values(this.panes)) pane.addEventListener("click", () => this.toggle());
    this.repaint = () => this.paint();
    addEventListener("kg:theme", this.repaint);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.repaint);
    this.observer = new ResizeObserver(this.repaint);
    this.observer.observe(this.canvas);
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
  }

  broken(video) {
    const note = video.closest("[data-pane]").querySelector("[data-broken]");
    if (note && video.error) note.hidden = false;
  }

  toggle() {
    if (!this.lead) return;
    if (this.lead.paused) {
      this.lead.play().catch(() => this.playing());
      this.follower?.play().catch(() => {});
    } else {
      this.lead.pause();
      this.follower?.pause();
    }
  }

  playing() {
    const on = !this.lead.paused && !this.lead.ended;
    if (!on) this.follower?.pause();
    const use = this.playButton.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, on ? "#pause" : "#play"));
    this.playButton.querySelector("[data-label]").textContent = on ? this.dataset.labelPause : this.dataset.labelPlay;
    cancelAnimationFrame(this.frame);
    if (on) this.run();
  }

  run() {
    this.paint();
    const follower = this.follower;
    if (follower && follower.readyState > 1 && Math.abs(follower.currentTime - this.lead.currentTime) > DRIFT) {
      follower.currentTime = this.lead.currentTime;
    }
    this.frame = requestAnimationFrame(() => this.run());
  }

  seek(seconds) {
    const to = Math.min(Math.max(seconds, 0), this.length || 0);
    for (const video of Object.values(this.videos)) if (video) video.currentTime = to;
    this.paint(to);
  }

  speed(button) {
    const rate = SPEEDS[(SPEEDS.indexOf(this.lead.playbackRate) + 1) % SPEEDS.length];
    for (const video of Object.values(this.videos)) if (video) video.playbackRate = rate;
    button.querySelector("[data-rate]").textContent = `${rate}×`;
  }

  mute() {
    this.silent = !this.silent;
    this.lead.muted = this.silent;
    const use = this.querySelector("[data-mute] use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, this.silent ? "#volume-x" : "#volume-2"));
    this.querySelector("[data-mute]").setAttribute("aria-pressed", String(this.silent));
  }

  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.screen.requestFullscreen?.();
  }

  show(view) {
    const time = this.lead?.currentTime ?? 0;
    const going = this.lead && !this.lead.paused;
    for (const video of Object.values(this.videos)) video?.pause();
    this.view = view;
    for (const [name, pane] of Object.entries(this.panes)) pane.hidden = view !== "both" && view !== name;
    for (const button of this.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === view));
    for (const video of Object.values(this.videos)) if (video) video.muted = video !== this.lead || Boolean(this.silent);
    if (time) this.seek(time);
    if (going) this.toggle();
  }

  /** choice: "" none, else a kind: "source", "target", "bilingual", or "own" for each pane in its own language. */
  captions(choice) {
    for (const [name, video] of Object.entries(this.videos)) {
      if (!video) continue;
      const box = this.panes[name].querySelector(".caption");
      const wanted = choice === "own" ? name : choice;
      box.replaceChildren();
      for (const track of video.querySelectorAll("track")) {
        const on = track.dataset.kind === wanted;
        track.track.mode = on ? "hidden" : "disabled";
        track.track.oncuechange = on ? () => this.cue(track.track, box, track.srclang) : null;
        if (on) this.cue(track.track, box, track.srclang);
      }
    }
  }

  cue(track, box, language) {
    const text = [...(track.activeCues ?? [])].map((cue) => cue.text.replace(/<[^>]+>/g, "")).join("\n");
    box.replaceChildren();
    if (!text) return;
    const words = document.createElement("span");
    words.dir = "auto";
    if (language) words.lang = language;
    words.textContent = text;
    box.append(words);
  }

  paint(at = this.lead?.currentTime ?? 0) {
    const share = this.length ? at / this.length : 0;
    this.timeLabel.textContent = clock(at);
    this.lengthLabel.textContent = clock(this.length);
    this.range.value = String(Math.round(share * 1000));
    this.range.setAttribute("aria-valuetext", `${clock(at)} / ${clock(this.length)}`);
    drawWave(this.canvas, this.peaks, share);
    this.dispatchEvent(new CustomEvent("kg:time", { detail: at, bubbles: true }));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=range]), textarea, select, button, a, summary, dialog, [contenteditable]")) return;
    const at = this.lead?.currentTime ?? 0;
    const acts = {
      " ": () => this.toggle(), k: () => this.toggle(), ArrowLeft: () => this.seek(at - 5), ArrowRight: () => this.seek(at + 5),
      j: () => this.seek(at - 10), l: () => this.seek(at + 10), m: () => this.mute(), f: () => this.full(), Home: () => this.seek(0),
    };
    const act = acts[event.key];
    if (!act || !this.lead) return;
    event.preventDefault();
    act();
  }
}

customElements.define("kg-player", Player);
