// Behaviour shared by every page: menus, toasts, copying, theme, forms that submit on change, rows that are links.

const root = document.documentElement;

/** Show a short message that a screen reader speaks too. */
export function toast(text, { bad = false } = {}) {
  const box = document.getElementById("toasts");
  if (!box) return;
  const item = document.createElement("div");
  item.className = "toast";
  const words = document.createElement("p");
  words.textContent = text;
  if (bad) words.className = "bad";
  item.append(words);
  box.append(item);
  setTimeout(() => item.remove(), 6000);
}

export function csrfToken() {
  return document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest("[data-toast]")?.remove();

  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy);

  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();

  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button, input, label, summary") && !getSelection().toString()) {
    if (event.metaKey || event.ctrlKey) open(row.dataset.href, "_blank");
    else location.href = row.dataset.href;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

async function copyText(button) {
  // "shown" stands for the open panel of the tabs around the button.
  const shown = button.dataset.copy === "shown" && button.closest("kg-tabs")?.querySelector("[data-panel]:not([hidden]) code");
  const source = shown || document.getElementById(button.dataset.copy);
  const text = button.dataset.copyText ?? source?.value ?? source?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text.trim());
  } catch {
    // Without a secure context there is no clipboard: select the text so that Ctrl-C works.
    if (source) getSelection().selectAllChildren(source);
    return;
  }
  const use = button.querySelector("use");
  const before = use?.getAttribute("href");
  use?.setAttribute("href", before.replace(/#.*/, "#check"));
  if (button.dataset.copied) toast(button.dataset.copied);
  setTimeout(() => use?.setAttribute("href", before), 1600);
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-theme-switch]");
  if (!form) return;
  event.preventDefault();
  const theme = event.submitter?.value ?? "";
  const body = new FormData(form);
  body.set("theme", theme);
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  for (const other of document.querySelectorAll("[data-theme-switch] button")) {
    other.setAttribute("aria-pressed", String(other.value === theme));
  }
  dispatchEvent(new Event("kg:theme"));
  await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
});

document.addEventListener("change", (event) => {
  event.target.closest("form[data-autosubmit]")?.requestSubmit();
});

// A second press of a button that spends or destroys must not send twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.once === undefined || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

for (const item of document.querySelectorAll("[data-toast]")) {
  if (!item.querySelector(".bad")) setTimeout(() => item.remove(), 6000);
}

// Times are written by the server in the reader's own zone; this tells it which.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`kinoglot_zone=${encodeURIComponent(zone)}`)) {
  document.cookie = `kinoglot_zone=${encodeURIComponent(zone)};path=/;max-age=31536000;samesite=lax`;
}
