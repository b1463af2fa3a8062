// <kg-box>: a box over a picture, drawn with the pointer, arrow keys or numbers, as shares of the picture from its top left corner.

class Box extends HTMLElement {
  connectedCallback() {
    this.stage = this.querySelector("[data-stage]");
    this.frame = this.querySelector("[data-frame]");
    this.inputs = Object.fromEntries(["x", "y", "width", "height"].map((name) => [name, this.querySelector(`[name=box_${name}]`)]));
    this.frame.addEventListener("pointerdown", (event) => this.grab(event));
    this.frame.addEventListener("keydown", (event) => this.key(event));
    for (const input of Object.values(this.inputs)) input.addEventListener("input", () => this.draw());
    this.closest("form").addEventListener("kg:video", (event) => this.picture(event.detail));
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
