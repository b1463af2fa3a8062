// The new-job form: parts that depend on a choice, and the subtitle preview.
import "./box.js";
import { cases } from "./cases.js";

const form = document.getElementById("newjob");

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
  cases(form);
  preview();
}

form.addEventListener("input", changed);
form.addEventListener("change", changed);
for (const fold of form.querySelectorAll("details")) fold.addEventListener("toggle", preview);
addEventListener("resize", preview);
changed();
// What the browser kept over a reload is not what the server drew: ask for the price once.
addEventListener("pageshow", () => form.dispatchEvent(new CustomEvent("kg:changed")));
