// <kg-tabs>: a segmented switch over panels. Buttons carry data-tab, panels data-panel. Arrow keys move, choice is remembered.

class Tabs extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[data-tab]");
      if (button) this.show(button.dataset.tab);
    });
    this.addEventListener("keydown", (event) => {
      if (!event.target.matches("[data-tab]") || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const all = [...this.querySelectorAll("[data-tab]")];
      const step = (event.key === "ArrowRight") === (getComputedStyle(this).direction === "ltr") ? 1 : -1;
      const next = all[(all.indexOf(event.target) + step + all.length) % all.length];
      this.show(next.dataset.tab);
      next.focus();
    });
    const kept = this.dataset.remember && localStorage.getItem(this.dataset.remember);
    if (kept && this.querySelector(`[data-tab="${CSS.escape(kept)}"]`)) this.show(kept);
  }

  show(name) {
    for (const button of this.querySelectorAll("[data-tab]")) {
      const on = button.dataset.tab === name;
      button.setAttribute("aria-selected", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    for (const panel of this.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== name;
    if (this.dataset.remember) localStorage.setItem(this.dataset.remember, name);
  }
}

customElements.define("kg-tabs", Tabs);
