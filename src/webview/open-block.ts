// The end of a growing answer: what may still change is drawn again each time, what it becomes is drawn once before it.
import type { Token } from "marked";
import remend from "remend";
import type { CodeBlocks } from "./code-block.ts";
import { showHidden } from "./hidden-characters.ts";
import { createLongParagraph, type LongParagraph, settledLength } from "./long-paragraph.ts";
import { type Links, renderTokens, splitBlocks } from "./markdown.ts";

/** Further signs after which a place to cut a paragraph is looked for again. */
const nextLook = 500;

export interface OpenBlock {
  /** Puts what is drawn already before it. */
  before(node: Node): void;
  clear(): void;
  split(text: string): readonly Token[];
  /** Draws finished blocks for good. */
  freeze(finished: readonly Token[]): void;
  /**
   * @param rest all that is not drawn for good
   * @param end where it ends in the whole text
   * @returns how much of its beginning is drawn for good now
   */
  draw(rest: string, end: number): number;
}

export function createOpenBlock(container: HTMLElement, codeBlocks: CodeBlocks): OpenBlock {
  const place = document.createElement("div");
  container.replaceChildren(place);
  const links: Links = Object.create(null);
  let paragraph: LongParagraph | undefined;
  /** Looked for a place to cut the open paragraph in vain up to here. */
  let uncutTo = 0;

  function settle(rest: string, end: number): number {
    if (end < uncutTo) return 0;
    const length = settledLength(rest);
    if (length === 0) {
      uncutTo = end + nextLook;
      return 0;
    }
    paragraph ??= createLongParagraph(links, (element) => place.before(element));
    paragraph.settle(rest.slice(0, length));
    return length;
  }

  return {
    before: (node) => place.before(node),
    clear: () => place.replaceChildren(),
    split: (text) => splitBlocks(text, links),
    freeze(finished) {
      const fragment = renderTokens(finished);
      codeBlocks.dress(fragment);
      showHidden(fragment);
      paragraph?.takeEnd(fragment);
      paragraph = undefined;
      place.before(fragment);
    },
    draw(rest, end) {
      const length = settle(rest, end);
      const fragment = renderTokens(splitBlocks(remend(rest.slice(length)), { ...links }));
      showHidden(fragment);
      paragraph?.takeEnd(fragment);
      place.replaceChildren(fragment);
      return length;
    },
  };
}
