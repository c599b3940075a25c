// Characters that change how text reads without being seen: direction marks, zero-width signs, tag characters.

const hidden: RegExp =
  /[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0]|[\u{e0000}-\u{e007f}]|(?<!\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})\u200d|\u200d(?!\p{Extended_Pictographic})/gu;

function hasHidden(text: string): boolean {
  return text.search(hidden) >= 0;
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
  for (const match of text.matchAll(hidden)) {
    parts.push(text.slice(from, match.index));
    const mark = document.createElement("span");
    mark.className = "hidden-character";
    mark.textContent = `U+${(match[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
    parts.push(mark);
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}
