// The new-job form: parts that depend on a choice, the subtitle preview, and <kg-box>, which draws the box around old subtitles.

const form = document.getElementById("newjob");

/** Show the parts of the form that belong to what is chosen: data-case="steps:voice" follows [data-switch=steps]. */
function cases() {
  for (const part of form.querySelectorAll("[data-case]")) {
    const [name, value] = part.dataset.case.split(":");
    const chosen = form.querySelector(`[data-switch="${name}"] input:checked`);
    part.hidden = chosen?.value !== value;
  }
}

function preview() {
  const box = form.querySelector("[data-preview]");
  const words = box?.firstElementChild;
  if (!words) return;
  const value = (name) => form.elements[name]?.value;
  const unit = box.clientHeight / 240; // the box stands for the lower third of 720 lines
  words.style.color = value("primary_color");
  words.style.fontSize = `${(Number(value("font_size")) || 34) * unit}px`;
  words.style.webkitTextStroke = `${Number(value("outline")) * 2 * unit}px ${value("outline_color")}`;
  words.style.bottom = `${Number(value("margin_v")) * 720 * unit}px`;
}

function changed(event) {
  const output = event?.target.dataset?.output && document.getElementById(event.target.dataset.output);
  if (output) output.textContent = `${event.target.value}%`;
  const fold = event?.target.dataset?.reveal && form.querySelector(`[data-fold="${event.target.dataset.reveal}"]`);
  if (fold && event.target.checked) fold.open = true;
  cases();
  preview();
}

form.addEventListener("input", changed);
form.addEventListener("change", changed);
for (const fold of form.querySelectorAll("details")) fold.addEventListener("toggle", preview);
addEventListener("resize", preview);
changed();
// What the browser kept over a reload is not what the server drew: ask for the price once.
addEventListener("pageshow", () => form.dispatchEvent(new CustomEvent("kg:changed")));

class Box extends HTMLElement {
  connectedCallback() {
    this.stage = this.querySelector("[data-stage]");
    this.frame = this.querySelector("[data-frame]");
    this.inputs = Object.fromEntries(["x", "y", "width", "height"].map((name) => [name, this.querySelector(`[name=box_${name}]`)]));
    this.frame.addEventListener("pointerdown", (event) => this.grab(event));
    this.frame.addEventListener("keydown", (event) => this.key(event));
    for (const input of Object.values(this.inputs)) input.addEventListener("input", () => this.draw());
    form.addEventListener("kg:video", (event) => this.picture(event.detail));
    this.draw();
  }

  get box() {
    return Object.fromEntries(Object.entries(this.inputs).map(([name, input]) => [name, Number(input.value) || 0]));
  }

  set box({ x, y, width, height }) {
    const keep = (value, least, most) => Math.min(Math.max(value, least), most);
    width = keep(width, 0.02, 1);
    height = keep(height, 0.02, 1);
    const values = { x: keep(x, 0, 1 - width), y: keep(y, 0, 1 - height), width, height };
    for (const [name, value] of Object.entries(values)) this.inputs[name].value = value.toFixed(3);
    this.draw();
  }

  draw() {
    const { x, y, width, height } = this.box;
    for (const [name, value] of Object.entries({ "--x": x, "--y": y, "--w": width, "--h": height })) this.frame.style.setProperty(name, value);
  }

  picture({ url, ratio }) {
    const video = document.createElement("video");
    video.src = url;
    video.muted = true;
    video.controls = false;
    video.style.aspectRatio = String(ratio);
    video.addEventListener("loadedmetadata", () => (video.currentTime = video.duration / 3));
    this.stage.querySelector("[data-blank], video")?.replaceWith(video);
  }

  grab(event) {
    event.preventDefault();
    this.frame.focus();
    const stage = this.stage.getBoundingClientRect();
    const frame = this.frame.getBoundingClientRect();
    const resize = event.clientX > frame.right - 18 && event.clientY > frame.bottom - 18;
    const start = { x: event.clientX, y: event.clientY, box: this.box };
    const move = (now) => {
      const dx = (now.clientX - start.x) / stage.width;
      const dy = (now.clientY - start.y) / stage.height;
      const { x, y, width, height } = start.box;
      this.box = resize ? { x, y, width: Math.min(width + dx, 1 - x), height: Math.min(height + dy, 1 - y) } : { x: x + dx, y: y + dy, width, height };
    };
    this.frame.setPointerCapture(event.pointerId);
    this.frame.addEventListener("pointermove", move);
    this.frame.addEventListener("pointerup", () => {
      this.frame.removeEventListener("pointermove", move);
      this.inputs.x.dispatchEvent(new Event("change", { bubbles: true }));
    }, { once: true });
  }

  key(event) {
    const step = { ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, -0.01], ArrowDown: [0, 0.01] }[event.key];
    if (!step) return;
    event.preventDefault();
    const { x, y, width, height } = this.box;
    this.box = event.shiftKey ? { x, y, width: width + step[0], height: height + step[1] } : { x: x + step[0], y: y + step[1], width, height };
    this.inputs.x.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

customElements.define("kg-box", Box);
