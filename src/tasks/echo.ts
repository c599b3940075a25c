// Small models say their instructions back instead of following them. What only does that is no answer.
import type { AnswerEvent } from "../core/answer.ts";
import { msg } from "../core/message.ts";
import { each, stream, takeAll } from "../core/stream.ts";

/** Shorter than this, words stand in the instructions by chance; a Chinese character says as much as two letters. */
const minLength = 20;
/** Of a sentence as long as this, so much of its beginning tells: models end what they copy in words of their own. */
const longLength = 50;
const copiedShare = 0.8;
const sentenceEnd = /[.!?](?=\s|$)|[。！？\n]/;

export interface Echo {
  /** Whether every sentence of the text stands in the instructions. */
  isEcho(text: string): boolean;
  /** Whether the text may be the beginning of one that does. */
  mayBecomeOne(text: string): boolean;
}

export function createEcho(instructions: readonly string[]): Echo {
  const own = squeeze(instructions.join("\n"));
  const isOwn = (said: string) =>
    own.includes(said) || (weight(said) >= longLength && own.includes(said.slice(0, said.length * copiedShare)));
  return {
    isEcho(text) {
      const sentences = text
        .split(/[.!?。！？\n]+/)
        .map(squeeze)
        .filter((sentence) => sentence !== "");
      return sentences.some((each) => weight(each) >= minLength) && sentences.every(isOwn);
    },
    mayBecomeOne: (text) => own.includes(squeeze(text)),
  };
}

/** Letters and digits alone: models change signs and blanks. */
function squeeze(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
}

function weight(squeezed: string): number {
  return squeezed.length + (squeezed.match(/\p{Script=Han}/gu)?.length ?? 0);
}

/** Leaves out sentences that are the instructions'. Nothing else is held back for longer than a few words. */
export function withoutEcho(
  events: AsyncIterable<AnswerEvent>,
  instructions: readonly string[] | undefined,
): AsyncIterable<AnswerEvent> {
  if (!instructions) return events;
  return stream(async (take) => {
    const filter = createFilter(createEcho(instructions));
    try {
      await each(events, (event) => {
        if (event.kind === "text") return takeAll(asText(filter.push(event.text)), take);
        if (event.kind !== "done") return take(event);
        const rest = asText(filter.end());
        return takeAll([...rest, ...(filter.isAllEcho() ? [onlyEcho] : []), event], take);
      });
    } catch (error) {
      // Stopped or lost: what had come is shown.
      await takeAll(asText(filter.end()), take);
      throw error;
    }
  });
}

const onlyEcho: AnswerEvent = {
  kind: "notice",
  text: msg("The model only repeated its instructions. Try a larger model."),
  failed: "form",
};

function asText(text: string): readonly AnswerEvent[] {
  return text === "" ? [] : [{ kind: "text", text }];
}

function createFilter(echo: Echo) {
  /** What has come of a sentence that may still turn out to be the instructions'. */
  let held = "";
  /** The sentence has turned out to be the model's own. */
  let isOwn = false;
  let hasShown = false;
  let hasDropped = false;

  function ended(sentence: string): string {
    const isDropped = !isOwn && echo.isEcho(sentence);
    isOwn = false;
    if (!isDropped) return sentence;
    hasDropped = true;
    return "";
  }
  /** Blanks around what was dropped go with it, as long as nothing stands before them. */
  function shown(text: string): string {
    const kept = hasDropped && !hasShown ? text.trimStart() : text;
    hasShown ||= kept.trim() !== "";
    return kept;
  }
  return {
    push(piece: string): string {
      let out = "";
      held += piece;
      for (let end = sentenceEnd.exec(held); end; end = sentenceEnd.exec(held)) {
        const length = end.index + end[0].length;
        out += ended(held.slice(0, length));
        held = held.slice(length);
      }
      isOwn ||= held !== "" && !echo.mayBecomeOne(held);
      if (!isOwn) return shown(out);
      out += held;
      held = "";
      return shown(out);
    },
    end(): string {
      const rest = shown(ended(held));
      held = "";
      return rest;
    },
    isAllEcho: () => hasDropped && !hasShown,
  };
}
