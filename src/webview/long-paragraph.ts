// A paragraph that is still written and already long: its beginning is drawn for good, only its end again.
import type { Token } from "marked";
import { showHidden } from "./hidden-characters.ts";
import { type Links, renderTokens, splitBlocks } from "./markdown.ts";

/** Open text longer than this is worth cutting. */
const longLength = 1500;
/** Not cut so close to the end: a mark that opens there is likely to be closed soon. */
const keptLength = 120;
/** Where the text goes on after one blank with a letter, or between two Chinese characters: nothing begins or ends there. */
const gap = /(?<=\S) (?=\p{L})|(?<=\p{Script=Han}[，。；：！？、]?)(?=\p{Script=Han})/gu;
/** Signs that could open what later text closes, without those that cannot: `snake_case`, `2 * 3`, `[closed]`. */
const harmless = /(?<=[\p{L}\p{N}])_+(?=[\p{L}\p{N}])|(?<=\s)[*_~]+(?=\s)|\[[^[\]`<]*\]/gu;
const opening = /[`*_~[\]<\\|]/;

/**
 * How much of an open paragraph can be drawn for good: up to there no mark is open, so that what follows is drawn as it
 * would be in one piece. Zero where it is not long or has no such place.
 */
export function settledLength(text: string): number {
  if (text.length < longLength) return 0;
  const gaps = [...text.slice(0, text.length - keptLength).matchAll(gap)].map((match) => match.index + match[0].length);
  for (let at = gaps.length - 1; at > 0; at = Math.floor(at / 2)) {
    const length = gaps[at] ?? 0;
    const tokens = splitBlocks(text.slice(0, length).trimEnd(), Object.create(null));
    if (tokens.length === 1 && tokens[0]?.type === "paragraph" && isSettled(tokens[0])) return length;
  }
  return 0;
}

function isSettled(token: Token): boolean {
  if (token.type === "html" || token.type === "image") return false;
  if (token.type === "codespan" || token.type === "escape" || token.type === "br") return true;
  if ("tokens" in token && token.tokens) return token.tokens.every(isSettled);
  return !opening.test(token.raw.replace(harmless, ""));
}

export interface LongParagraph {
  /** Draws more of it for good. */
  settle(text: string): void;
  /**
   * Takes its open end out of a fragment that begins with it. Underlined by later text, it becomes a heading;
   * a fragment that begins otherwise ends it.
   */
  takeEnd(fragment: DocumentFragment): void;
}

/** @param place puts the element where it belongs */
export function createLongParagraph(links: Links, place: (element: HTMLElement) => void): LongParagraph {
  let element: HTMLElement = document.createElement("p");
  let settledNodes = 0;
  place(element);

  function dropEnd(): void {
    while (element.childNodes.length > settledNodes) element.lastChild?.remove();
  }
  return {
    settle(text) {
      dropEnd();
      const settled = text.trimEnd();
      const fragment = renderTokens(splitBlocks(settled, { ...links }));
      showHidden(fragment);
      element.append(...(fragment.firstElementChild?.childNodes ?? []), text.slice(settled.length));
      settledNodes = element.childNodes.length;
    },
    takeEnd(fragment) {
      dropEnd();
      const first = fragment.firstElementChild;
      if (!first || !/^(?:P|H[34])$/.test(first.tagName)) return;
      if (first.tagName !== element.tagName) {
        const other = document.createElement(first.tagName);
        other.append(...element.childNodes);
        element.replaceWith(other);
        element = other;
      }
      element.append(...first.childNodes);
      // Blocks are drawn with a line break after each; the one after this goes with it.
      first.remove();
    },
  };
}
