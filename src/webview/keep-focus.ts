/**
 * Changes the page. A focus whose element goes with the change comes to the one that took its place, by its name, else
 * to the box for questions: from nowhere a keyboard would have to begin again at the top.
 */
export function keepFocus(change: () => void): void {
  const focused = document.activeElement;
  change();
  if (!(focused instanceof HTMLElement) || focused === document.body || isThere(focused)) return;
  // The change may have seen to it itself.
  if (document.activeElement !== focused && document.activeElement !== document.body) return;
  const [same, ...others] = [...document.querySelectorAll<HTMLElement>(focused.tagName)].filter(
    (each) => isThere(each) && nameOf(each) !== "" && nameOf(each) === nameOf(focused),
  );
  (others.length === 0 && same ? same : document.getElementById("question"))?.focus();
}

const isThere = (each: HTMLElement) => each.isConnected && each.closest("[hidden]") === null;
const nameOf = (each: HTMLElement) => each.getAttribute("aria-label") ?? each.id;
