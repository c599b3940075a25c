// From tokens to text that may be shown: whole characters only, ended by stop strings, or by the end of a JSON value.

/** Holds back what could be the beginning of a stop string, and ends at one. */
export function createStopWatch(stops: readonly string[]) {
  const wanted = stops.filter((stop) => stop !== "");
  let held = "";
  return {
    /** Text that may be shown, and whether the answer ends here. */
    push(piece: string): { readonly text: string; readonly ended: boolean } {
      held += piece;
      const at = Math.min(...wanted.map((stop) => held.indexOf(stop)).filter((index) => index >= 0));
      if (Number.isFinite(at)) {
        const text = held.slice(0, at);
        held = "";
        return { text, ended: true };
      }
      const keep = Math.max(0, ...wanted.map((stop) => overlap(held, stop)));
      const text = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return { text, ended: false };
    },
    /** What was held back when the answer ended without a stop string. */
    rest(): string {
      return held;
    },
  };
}

/** Length of the longest end of `text` that is a beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}

/** Tells when a JSON object or array that is being written is complete: grammars allow blanks for ever after it. */
export function createJsonEnd() {
  let depth = 0;
  let inString = false;
  let escaped = false;
  return {
    /** True once the outermost bracket has closed in `piece`. */
    push(piece: string): boolean {
      for (const sign of piece) {
        if (escaped) escaped = false;
        else if (inString) {
          if (sign === "\\") escaped = true;
          else if (sign === '"') inString = false;
        } else if (sign === '"') inString = true;
        else if (sign === "{" || sign === "[") depth++;
        else if ((sign === "}" || sign === "]") && --depth === 0) return true;
      }
      return false;
    },
  };
}
