// <kg-languages>: a searchable list of check boxes; what is picked shows as chips above it.

/** Lower case without accents, so that "portugues" finds "português". */
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

class Languages extends HTMLElement {
  connectedCallback() {
    this.picked = this.querySelector("[data-picked]");
    this.search = this.querySelector("[data-search]");
    this.empty = this.querySelector("[data-empty]");
    this.rows = [...this.querySelectorAll("[data-words]")].map((label) => ({ label, words: plain(label.dataset.words), box: label.querySelector("input") }));
    this.search.addEventListener("input", (event) => {
      event.stopPropagation(); // searching changes nothing in the order
      this.filter();
    });
    this.search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      const first = this.rows.find(({ label }) => !label.hidden);
      if (!first || !this.search.value) return;
      first.box.checked = !first.box.checked;
      first.box.dispatchEvent(new Event("change", { bubbles: true }));
      this.search.value = "";
      this.filter();
    });
    this.addEventListener("change", () => this.chips());
    this.closest("form").addEventListener("change", (event) => {
      if (["source_language", "steps", "lipsync", "provider"].includes(event.target.name)) this.offer();
    });
    this.chips();
  }

  filter() {
    const wanted = plain(this.search.value.trim()).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { label, words } of this.rows) {
      label.hidden = !wanted.every((word) => words.includes(word));
      shown += label.hidden ? 0 : 1;
    }
    this.empty.hidden = shown > 0;
  }

  /** What can be made depends on the spoken language and the steps; what cannot moves below a line that says so. */
  async offer() {
    const form = this.closest("form");
    const query = new URLSearchParams({ source: form.elements.source_language.value, steps: form.elements.steps.value, lipsync: form.elements.lipsync?.checked ? "1" : "", provider: form.elements.provider?.value ?? "" });
    const answer = await fetch(`${this.dataset.available}?${query}`, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) return;
    const able = await answer.json();
    const list = this.querySelector(".lang-list");
    let title = this.querySelector("[data-off-title]:not(kg-languages)");
    if (!title) {
      title = document.createElement("p");
      title.className = "lang-off";
      title.dataset.offTitle = "";
      title.textContent = this.dataset.offTitle;
    }
    const off = [];
    for (const { label, box } of this.rows) {
      const can = box.value in able;
      box.disabled = !can;
      box.checked &&= can;
      label.toggleAttribute("data-off", !can);
      label.querySelector("[data-remark]").textContent = able[box.value] ?? "";
      if (can) list.insertBefore(label, this.empty);
      else off.push(label);
    }
    if (off.length) list.insertBefore(title, this.empty);
    else title.remove();
    for (const label of off) list.insertBefore(label, this.empty);
    this.chips();
    this.filter();
    this.dispatchEvent(new CustomEvent("kg:changed", { bubbles: true }));
  }

  chips() {
    this.picked.replaceChildren(
      ...this.rows.filter(({ box }) => box.checked).map(({ label, box }) => {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.className = "chip chip-accent chip-button";
        const name = label.querySelector("[data-name]").textContent;
        chip.textContent = name;
        const cross = this.querySelector(".icon").cloneNode(true);
        cross.querySelector("use").setAttribute("href", cross.querySelector("use").getAttribute("href").replace(/#.*/, "#x"));
        const words = document.createElement("span");
        words.className = "visually-hidden";
        words.textContent = ` – ${this.dataset.remove.replace("{name}", name)}`;
        chip.append(cross, words);
        chip.addEventListener("click", () => {
          box.checked = false;
          box.dispatchEvent(new Event("change", { bubbles: true }));
          this.search.focus();
        });
        return chip;
      }),
    );
  }
}

customElements.define("kg-languages", Languages);
