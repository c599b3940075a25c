// Draws a growing answer: finished blocks are drawn once and left alone, only the open one at the end is drawn again.
import type { Token } from "marked";
import remend from "remend";
import { type CodeBlocks, openCodeBlock } from "./code-block.ts";
import { showHidden } from "./hidden-characters.ts";
import { createLongParagraph, type LongParagraph, settledLength } from "./long-paragraph.ts";
import { type Links, languageOf, renderTokens, splitBlocks } from "./markdown.ts";

export interface AnswerRenderer {
  append(text: string): void;
  /** Draws what has come since. @returns whether something was drawn */
  draw(): boolean;
  isWaiting(): boolean;
  /** Draws the rest as it stands: nothing more will come. */
  finish(): void;
}

/** Characters of a line after which it cannot be a list marker any more. */
const longestMarker = 16;
/** An open block longer than this is drawn less often. */
const hugeLength = 4000;

interface OpenFence {
  readonly marker: string;
  readonly block: ReturnType<typeof openCodeBlock>;
  /** Where the next line of code begins in the text. */
  at: number;
}

export function createAnswerRenderer(container: HTMLElement, codeBlocks: CodeBlocks): AnswerRenderer {
  const tail = document.createElement("div");
  container.replaceChildren(tail);
  const links: Links = Object.create(null);
  let text = "";
  /** Everything before this is drawn for good. */
  let drawnTo = 0;
  let heldCarriageReturn = "";
  let fence: OpenFence | undefined;
  let paragraph: LongParagraph | undefined;
  /** Looked for a place to cut the open paragraph in vain up to here. */
  let uncutTo = 0;
  let isDirty = false;
  let nextAtMs = 0;

  function freeze(fragment: DocumentFragment): void {
    codeBlocks.dress(fragment);
    showHidden(fragment);
    paragraph?.takeEnd(fragment);
    paragraph = undefined;
    tail.before(fragment);
  }

  /** Reads whole lines of the open fence. @returns false while it stays open */
  function readFence(open: OpenFence, isLast: boolean): boolean {
    const closing = new RegExp(`^ {0,3}${open.marker[0]}{${open.marker.length},}[ \\t]*$`);
    for (;;) {
      const lineEnd = text.indexOf("\n", open.at);
      const line = text.slice(open.at, lineEnd < 0 ? text.length : lineEnd);
      if (lineEnd < 0 && !isLast) {
        // The first signs of the closing fence are not code.
        open.block.showOpenLine(/^ *[`~]*$/.test(line) ? "" : line);
        return false;
      }
      const isClosing = closing.test(line);
      if (!isClosing && (lineEnd >= 0 || line !== "")) open.block.addLine(line);
      open.at = lineEnd < 0 ? text.length : lineEnd + 1;
      if (!isClosing && lineEnd >= 0) continue;
      open.block.close();
      drawnTo = open.at;
      fence = undefined;
      return true;
    }
  }

  /** A fence at the very left is read line by line: a long one would cost its whole length each time otherwise. */
  function startFence(): OpenFence | undefined {
    const match = /^(`{3,})([^`\n]*)\n|^(~{3,})([^\n]*)\n/.exec(text.slice(drawnTo, drawnTo + 200));
    const marker = match?.[1] ?? match?.[3];
    if (!match || !marker) return undefined;
    const block = openCodeBlock(languageOf(match[2] ?? match[4] ?? ""), codeBlocks);
    tail.before(block.element);
    return { marker, block, at: drawnTo + match[0].length };
  }

  /** Draws finished blocks for good. The last block stays open, for a list or a paragraph may go on after blank lines. */
  function drawBlocks(isLast: boolean): void {
    while (drawnTo < text.length) {
      fence ??= startFence();
      if (fence) {
        tail.replaceChildren();
        if (!readFence(fence, isLast)) return;
        continue;
      }
      const rest = text.slice(drawnTo);
      const tokens = splitBlocks(rest, links);
      const open = isLast ? tokens.length : firstOpen(tokens);
      // A fence among the finished blocks is drawn as the one at the end would be.
      const firstFence = tokens.findIndex((token, index) => index > 0 && startsFence(token.raw));
      const end = firstFence > 0 ? Math.min(open, firstFence) : open;
      const finished = tokens.slice(0, Math.max(0, end));
      if (finished.length === 0) return drawTail(rest);
      freeze(renderTokens(finished));
      drawnTo += finished.reduce((sum, token) => sum + token.raw.length, 0);
    }
    tail.replaceChildren();
  }

  function drawTail(rest: string): void {
    const fragment = renderTokens(splitBlocks(remend(settleStart(rest)), { ...links }));
    showHidden(fragment);
    paragraph?.takeEnd(fragment);
    tail.replaceChildren(fragment);
  }

  /** @returns what is left of the open block after its beginning has been drawn for good */
  function settleStart(rest: string): string {
    if (text.length < uncutTo) return rest;
    const length = settledLength(rest);
    if (length === 0) {
      uncutTo = text.length + hugeLength / 8;
      return rest;
    }
    paragraph ??= createLongParagraph(links, (element) => tail.before(element));
    paragraph.settle(rest.slice(0, length));
    drawnTo += length;
    return rest.slice(length);
  }

  return {
    append(added) {
      const whole = heldCarriageReturn + added;
      heldCarriageReturn = whole.endsWith("\r") ? "\r" : "";
      text += whole.slice(0, whole.length - heldCarriageReturn.length).replace(/\r\n?/g, "\n");
      isDirty = true;
    },
    draw() {
      const startMs = performance.now();
      if (!isDirty || startMs < nextAtMs) return false;
      isDirty = false;
      drawBlocks(false);
      // A single huge block costs more each time: then it is drawn less often, so that the page stays quick.
      const costMs = performance.now() - startMs;
      const isHuge = text.length - drawnTo > hugeLength;
      nextAtMs = isHuge ? startMs + costMs * 10 : 0;
      return true;
    },
    isWaiting: () => isDirty,
    finish() {
      isDirty = false;
      drawBlocks(true);
    },
  };
}

/**
 * Where the blocks begin that may still change: at the last one, and before it as long as too little of it is there to
 * tell that it does not go on what came before (`1` may become the next item of a list, three backticks just text).
 */
function firstOpen(tokens: readonly Token[]): number {
  const last = tokens.findLastIndex((token) => token.type !== "space");
  const raw = tokens[last]?.raw ?? "";
  const isSettled = raw.includes("\n") || (raw.length >= longestMarker && tokens[last]?.type !== "code");
  return isSettled ? last : tokens.findLastIndex((token, index) => index < last && token.type !== "space");
}

function startsFence(raw: string): boolean {
  return /^(?:`{3,}[^`\n]*\n|~{3,}[^\n]*\n)/.test(raw);
}
