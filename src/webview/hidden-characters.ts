// Marks in place of characters that change how text reads without being seen.
import { hiddenCharacters, nameOfHidden } from "../core/hidden-characters.ts";

function hasHidden(text: string): boolean {
  return text.search(hiddenCharacters) >= 0;
}

/** Puts a visible mark in place of each hidden character under `root`. */
export function showHidden(root: Node): void {
  if (!hasHidden(root.textContent ?? "")) return;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node instanceof Text && hasHidden(node.data)) texts.push(node);
  }
  for (const text of texts) text.replaceWith(...visible(text.data));
}

/** The text with a visible mark in place of each hidden character. */
export function visible(text: string): readonly (Node | string)[] {
  if (!hasHidden(text)) return [text];
  const parts: (Node | string)[] = [];
  let from = 0;
  for (const match of text.matchAll(hiddenCharacters)) {
    parts.push(text.slice(from, match.index));
    const mark = document.createElement("span");
    mark.className = "hidden-character";
    mark.textContent = nameOfHidden(match[0]);
    parts.push(mark);
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}
