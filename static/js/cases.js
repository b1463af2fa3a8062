// Parts of a form that depend on a choice.

/** Show what belongs to what is chosen: data-case="steps:voice" follows [data-switch=steps]; several values have commas between. */
export function cases(form) {
  for (const part of form.querySelectorAll("[data-case]")) {
    const [name, values] = part.dataset.case.split(":");
    const chosen = form.querySelector(`[data-switch="${name}"] input:checked`);
    part.hidden = !values.split(",").includes(chosen?.value);
  }
}
