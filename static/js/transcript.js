// The transcript page: the current line follows the player, a time code seeks, leaving with unsaved text is asked about.

const form = document.getElementById("transcript-form");
const player = document.querySelector("kg-player");
const rows = [...form.querySelectorAll(".tr[data-start]")].map((row) => ({ row, from: Number(row.dataset.start), to: Number(row.dataset.end) }));
let now = null;
let changed = false;

player?.addEventListener("kg:time", ({ detail: at }) => {
  const found = rows.find(({ from, to }) => at >= from && at < to)?.row ?? null;
  if (found === now) return;
  now?.classList.remove("now");
  now?.removeAttribute("aria-current");
  found?.classList.add("now");
  found?.setAttribute("aria-current", "true");
  now = found;
  const typing = document.activeElement?.matches("textarea");
  if (found && !typing && player.lead && !player.lead.paused) found.scrollIntoView({ block: "nearest", behavior: "smooth" });
});

form.addEventListener("click", (event) => {
  const row = event.target.closest("[data-seek]")?.closest(".tr");
  if (row) player?.seek(Number(row.dataset.start) + 0.01);
});

form.addEventListener("input", () => (changed = true));
form.addEventListener("submit", () => (changed = false));
addEventListener("beforeunload", (event) => changed && event.preventDefault());

// Enter goes to the next line's text: a line of a transcript has no line breaks.
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("textarea")) return;
  event.preventDefault();
  const all = [...form.querySelectorAll("textarea")];
  all[all.indexOf(event.target) + (event.shiftKey ? -1 : 1)]?.focus();
});
