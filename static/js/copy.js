// Buttons of the staff console that copy a text: <button data-copy-text="..." data-copied="Copied">.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy-text]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copyText);
  } catch {
    // Without a secure context there is no clipboard: select the text so that Ctrl-C works.
    if (button.previousElementSibling) getSelection().selectAllChildren(button.previousElementSibling);
    return;
  }
  const said = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => { button.textContent = said; }, 1600);
});
