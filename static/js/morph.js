// Bring a piece of the page up to date with new HTML while keeping nodes: focus, transitions and open menus survive.

/** Make `from` look like `to`. Nodes are matched by data-key, else by place and tag. */
export function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
    from.replaceWith(to.cloneNode(true));
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  const keyed = new Map([...from.children].filter((node) => node.dataset?.key).map((node) => [node.dataset.key, node]));
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = wanted.dataset?.key;
    let match = key ? keyed.get(key) : at;
    if (key && match && match !== at) from.insertBefore(match, at);
    if (!match || (key && !keyed.has(key)) || match.nodeName !== wanted.nodeName) {
      from.insertBefore(wanted.cloneNode(true), match && !key ? match : at);
      if (match && !key && match.nodeName !== wanted.nodeName) {
        at = match.nextSibling;
        match.remove();
      }
      continue;
    }
    morph(match, wanted);
    at = match.nextSibling;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
