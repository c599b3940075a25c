// Draws a growing answer: finished blocks are drawn once and left alone, only the open one at the end is drawn again.
import type { Token } from "marked";
import type { CodeBlocks } from "./code-block.ts";
import { createOpenBlock } from "./open-block.ts";
import { type OpenFence, openFence, startsFence } from "./open-fence.ts";

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

export function createAnswerRenderer(container: HTMLElement, codeBlocks: CodeBlocks): AnswerRenderer {
  const end = createOpenBlock(container, codeBlocks);
  const withPlainLineEnds = createLineEnds();
  let text = "";
  /** Everything before this is drawn for good. */
  let drawnTo = 0;
  let fence: OpenFence | undefined;
  let isDirty = false;
  let nextAtMs = 0;

  /** Draws finished blocks for good. The last block stays open, for a list or a paragraph may go on after blank lines. */
  function drawBlocks(isLast: boolean): void {
    while (drawnTo < text.length) {
      if (!fence) {
        fence = openFence(text, drawnTo, codeBlocks);
        if (fence) end.before(fence.element);
      }
      if (fence) {
        end.clear();
        const after = fence.read(text, isLast);
        if (after === undefined) return;
        drawnTo = after;
        fence = undefined;
        continue;
      }
      const rest = text.slice(drawnTo);
      const finished = finishedOf(end.split(rest), isLast);
      if (finished.length === 0) {
        drawnTo += end.draw(rest, text.length);
        return;
      }
      end.freeze(finished);
      drawnTo += finished.reduce((sum, token) => sum + token.raw.length, 0);
    }
    end.clear();
  }

  return {
    append(added) {
      text += withPlainLineEnds(added);
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

/** Pieces with `\n` alone at the ends of their lines, though a piece may end in the middle of `\r\n`. */
function createLineEnds(): (piece: string) => string {
  let held = "";
  return (piece) => {
    const whole = held + piece;
    held = whole.endsWith("\r") ? "\r" : "";
    return whole.slice(0, whole.length - held.length).replace(/\r\n?/g, "\n");
  };
}

/** A fence among them is drawn as the one at the end would be, and so is what follows it. */
function finishedOf(tokens: readonly Token[], isLast: boolean): readonly Token[] {
  const open = isLast ? tokens.length : firstOpen(tokens);
  const firstFence = tokens.findIndex((token, index) => index > 0 && startsFence(token.raw));
  return tokens.slice(0, Math.max(0, firstFence > 0 ? Math.min(open, firstFence) : open));
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
