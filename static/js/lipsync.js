// The lip-sync form: parts that depend on a choice, and <kg-faces>: the still with its faces to pick and the region that may change.
import { csrfToken } from "./app.js";
import "./box.js";
import { cases } from "./cases.js";
import { uploadBlob } from "./tus.js";

const form = document.getElementById("lipsync");
const AGAIN_MS = 1000; // between two looks at a picture whose faces are being looked for

class Faces extends HTMLElement {
  connectedCallback() {
    this.note = this.querySelector("[data-note]");
    this.empty = this.querySelector("[data-empty]");
    this.box = this.querySelector("kg-box");
    this.frame = this.querySelector("[data-frame]");
    this.mask = this.querySelector("[data-mask]");
    this.kept = this.querySelector("[data-kept]");
    this.was = [...this.querySelectorAll("[data-was]")].map((input) => input.value);
    form.addEventListener("kg:changed", () => this.follow());
    form.addEventListener("change", (event) => this.change(event));
    form.addEventListener("input", (event) => this.touched(event.target));
    form.addEventListener("submit", (event) => this.submit(event));
    this.addEventListener("click", (event) => this.press(event));
    this.addEventListener("focusin", () => this.draw());
    this.addEventListener("focusout", () => this.draw());
    this.region();
    this.follow();
  }

  get model() {
    return form.querySelector("[name=model]:checked")?.value ?? "";
  }

  /** The picture or video that is chosen, once it is uploaded. */
  get asset() {
    const name = this.model === "lipsync-video" ? "video" : "image";
    const link = form.querySelector(`[name=${name}_kind]:checked`)?.value === "link";
    return link ? "" : form.elements[`${name}_asset`].value;
  }

  get inside() {
    return form.querySelector("[name=region]:checked")?.value === "inside";
  }

  get picks() {
    return [...this.querySelectorAll("[data-list] input:checked")].map((input) => input.value);
  }

  /** Show the faces of what is chosen now; nothing happens while that is the same. */
  follow() {
    const resolution = form.querySelector("[name=resolution]:checked")?.value ?? "";
    const key = this.asset && `${this.asset} ${this.model} ${resolution}`;
    if (key === this.shown) return;
    const [asset, model] = this.shown?.split(" ") ?? [this.asset, this.model];
    if (asset !== this.asset) this.drop();
    if (asset !== this.asset || model !== this.model) this.was = [];
    else if (this.size) this.was = this.picks;
    this.shown = key;
    clearTimeout(this.timer);
    this.abort?.abort();
    if (this.asset) this.look(resolution);
    else this.show(null);
  }

  async look(resolution) {
    this.abort = new AbortController();
    const asked = new URLSearchParams({ asset: this.asset, model: this.model, resolution });
    for (const pick of this.was) asked.append("picked", pick);
    let fresh = null;
    try {
      const answer = await fetch(`${this.dataset.src}?${asked}`, { credentials: "same-origin", signal: this.abort.signal });
      if (answer.ok) fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-faces]");
    } catch (error) {
      if (error.name === "AbortError") return;
    }
    this.show(fresh, this.dataset.textFailed);
    if (fresh?.dataset.status === "looking") this.timer = setTimeout(() => this.look(resolution), AGAIN_MS);
  }

  /** The server's answer in its places: the still into the stage, the choices under it, words into the note. */
  show(answer, otherwise = "") {
    const ready = answer?.dataset.status === "ready";
    this.box.hidden = !ready;
    this.note.hidden = ready;
    if (ready || !answer) for (const input of this.querySelectorAll("[data-was]")) input.remove(); // they were posted until now
    if (!ready) {
      this.size = null;
      this.querySelector("[data-picks]").replaceChildren();
      this.note.replaceChildren(answer ?? this.empty);
      if (!answer && otherwise) this.note.textContent = otherwise;
      return;
    }
    this.size = { width: Number(answer.dataset.width), height: Number(answer.dataset.height) };
    this.box.querySelector("[data-stage]").style.setProperty("--ratio", this.size.width / this.size.height);
    this.querySelector("[data-stillplace]").replaceChildren(...answer.querySelector("[data-still]").childNodes);
    answer.querySelector("[data-still]").remove();
    this.querySelector("[data-picks]").replaceChildren(answer);
    this.draw();
    if (this.inside && !this.drawn) this.surround();
    form.dispatchEvent(new CustomEvent("kg:changed"));
  }

  change(event) {
    if (event.target.closest("[data-list]")) this.draw();
    this.region();
    if (this.inside && !this.drawn && event.target.closest("kg-faces")) this.surround();
    this.touched(event.target);
    this.follow();
  }

  /** A region that was changed is another picture. */
  touched(input) {
    if (!/^(box_|shape$)/.test(input.name ?? "")) return;
    this.drawn = true;
    this.drop();
  }

  /** The region's picture is to be made anew. */
  drop() {
    this.mask.value = "";
    this.kept?.remove();
    this.kept = null;
    this.region();
  }

  /** Until somebody draws it the region is around the chosen faces, or all of them. */
  surround() {
    const chosen = [...this.querySelectorAll("[data-face][data-on] rect")];
    const faces = chosen.length ? chosen : [...this.querySelectorAll("[data-face]:not([data-off]) rect")];
    if (!faces.length || this.mask.value) return;
    const edges = faces.map((face) => face.getBBox());
    const left = Math.min(...edges.map((box) => box.x - box.width * 0.3)) / this.size.width;
    const right = Math.max(...edges.map((box) => box.x + box.width * 1.3)) / this.size.width;
    const top = Math.min(...edges.map((box) => box.y - box.height * 0.2)) / this.size.height;
    const bottom = Math.max(...edges.map((box) => box.y + box.height * 1.4)) / this.size.height;
    const [x, y] = [Math.max(left, 0), Math.max(top, 0)];
    this.box.box = { x, y, width: Math.min(right, 1) - x, height: Math.min(bottom, 1) - y };
  }

  region() {
    this.frame.hidden = !this.inside || Boolean(this.kept);
    this.frame.dataset.shape = form.querySelector("[name=shape]:checked")?.value ?? "ellipse";
  }

  /** Boxes of the chosen faces stand out, and the one whose choice has the focus. */
  draw() {
    const chosen = this.picks;
    const here = document.activeElement?.closest?.("[data-list]") ? document.activeElement.value : "";
    for (const box of this.querySelectorAll("[data-face]")) {
      box.toggleAttribute("data-on", chosen.includes(box.dataset.face));
      box.toggleAttribute("data-here", box.dataset.face === here);
    }
  }

  /** A click on a box chooses its face. */
  press(event) {
    const pick = event.target.closest("[data-face]:not([data-off])")?.dataset.face;
    if (!pick) return;
    [...this.querySelectorAll("[data-list] input")].find((input) => input.value === pick)?.click();
  }

  /** Before the order goes out the region becomes a picture of its own: white where something may change. */
  async submit(event) {
    if (!this.inside || this.mask.value || this.box.hidden) return;
    event.preventDefault();
    const part = event.submitter?.value ?? "whole";
    try {
      const blob = await this.paint();
      this.mask.value = await uploadBlob("/api/v1/uploads", blob, "region.png", "image");
      form.requestSubmit(form.querySelector(`[name=part][value=${part}]`)); // the rail may be another one by now
    } catch (error) {
      document.getElementById("wrong-mask_image").textContent = this.dataset.textRegion.replace("{reason}", error.message);
    }
  }

  paint() {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, this.size);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    const { x, y, width, height } = this.box.box;
    const [left, top, wide, high] = [x * canvas.width, y * canvas.height, width * canvas.width, height * canvas.height];
    pen.fillStyle = "#fff";
    pen.beginPath();
    if (this.frame.dataset.shape === "rectangle") pen.rect(left, top, wide, high);
    else pen.ellipse(left + wide / 2, top + high / 2, wide / 2, high / 2, 0, 0, 2 * Math.PI);
    pen.fill();
    return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("canvas"))), "image/png"));
  }
}

/** A link that is fetched before the order becomes an asset, as an uploaded file does: faces and length can be had of it. */
async function take(button) {
  const name = button.dataset.take;
  const address = form.elements[`${name}_url`];
  const wrong = document.getElementById(`wrong-${name}`);
  const body = new URLSearchParams({ place: name, url: address.value });
  const answer = await fetch(button.dataset.url, { method: "POST", body, headers: { "X-CSRFToken": csrfToken() }, credentials: "same-origin" });
  const found = await answer.json().catch(() => ({}));
  wrong.textContent = found.error ?? "";
  if (!found.asset) return address.focus();
  const place = form.querySelector(`[data-field=${name}]`);
  form.elements[`${name}_asset`].value = found.asset;
  place.querySelector("[data-name]").textContent = found.name;
  place.querySelector("[data-status]").textContent = button.dataset.textTaken;
  place.querySelector("[data-drop]").hidden = true;
  place.querySelector("[data-row]").hidden = false;
  place.bar(1);
  form.querySelector(`[name=${name}_kind][value=upload]`).click();
  // A worker fetches and measures it about now; its length decides the price.
  for (const wait of [0, 2000, 6000, 15000]) setTimeout(() => place.changed(), wait);
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-take]");
  if (button) take(button);
});
form.addEventListener("change", () => cases(form));
cases(form);
customElements.define("kg-faces", Faces);
// What the browser kept over a reload is not what the server drew: ask for the price once.
addEventListener("pageshow", () => form.dispatchEvent(new CustomEvent("kg:changed")));
