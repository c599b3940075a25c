// Ends an answer at a client's stop sequence, which is not shown, also where it comes in pieces.

export interface StopWords {
  /** What of the text so far can be shown for certain. After a stop was found it is the last. */
  push(piece: string): { readonly text: string; readonly stop?: string };
  /** What was held back, when the answer is over. */
  rest(): string;
}

export function createStopWords(stops: readonly string[]): StopWords {
  const words = stops.filter((stop) => stop !== "");
  let held = "";
  return {
    push(piece) {
      held += piece;
      let first: { at: number; stop: string } | undefined;
      for (const stop of words) {
        const at = held.indexOf(stop);
        if (at >= 0 && (!first || at < first.at)) first = { at, stop };
      }
      if (first) {
        const text = held.slice(0, first.at);
        held = "";
        return { text, stop: first.stop };
      }
      const keep = Math.max(0, ...words.map((stop) => overlap(held, stop)));
      const text = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return { text };
    },
    rest() {
      const text = held;
      held = "";
      return text;
    },
  };
}

/** How many characters at the end of the text begin the stop sequence. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
