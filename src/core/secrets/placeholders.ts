// Reads placeholders such as `SECRET_1_AWS_KEY` in what a model writes, whole or cut into pieces.

/** For an answer that arrives in pieces: a placeholder cut in two is held back until it is whole. */
export interface Restorer {
  push(piece: string): string;
  /** What was still held back. */
  end(): string;
}

/** Placeholders are numbered from 1, each with the value it stands for; all begin with `prefix` and `_`. */
export interface Placeholders {
  readonly prefix: string;
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/** Models escape the underscores where Markdown would read them. */
const withoutEscapes = (text: string) => text.replaceAll("\\_", "_").replace(/\\$/, "");

/** Where `name` ends if it stands at `at`. */
function endOfName(text: string, at: number, name: string): number | undefined {
  let end = at;
  for (const char of name) {
    if (char === "_" && text[end] === "\\") end++;
    if (text[end] !== char) return undefined;
    end++;
  }
  return end;
}

/** The text with its placeholders replaced, and how far the last of them reached. */
function restoreWhole(text: string, { prefix, names, values }: Placeholders): { restored: string; readTo: number } {
  let restored = "";
  let readTo = 0;
  for (const match of text.matchAll(new RegExp(`${prefix}\\\\?_(\\d{1,9})`, "g"))) {
    const index = Number(match[1]) - 1;
    const name = names[index];
    const end = name === undefined ? undefined : endOfName(text, match.index, name);
    if (end === undefined || match.index < readTo) continue;
    restored += text.slice(readTo, match.index) + (values[index] ?? name);
    readTo = end;
  }
  return { restored, readTo };
}

/** Whether the text could go on to be a placeholder. */
function mayBecomeName(tail: string, { prefix, names }: Placeholders): boolean {
  const text = withoutEscapes(tail);
  if (`${prefix}_`.startsWith(text)) return true;
  const number = text.startsWith(`${prefix}_`) ? /^\d{1,9}/.exec(text.slice(prefix.length + 1))?.[0] : undefined;
  if (number === undefined) return false;
  return text.length === prefix.length + 1 + number.length || names[Number(number) - 1]?.startsWith(text) === true;
}

export function restorePlaceholders(text: string, placeholders: Placeholders): string {
  const { restored, readTo } = restoreWhole(text, placeholders);
  return restored + text.slice(readTo);
}

export function createRestorer(placeholders: Placeholders): Restorer {
  const longest = Math.max(0, ...placeholders.names.map((name) => name.length)) + 10;
  let held = "";
  return {
    push(piece) {
      const text = held + piece;
      const { restored, readTo } = restoreWhole(text, placeholders);
      let open = Math.max(readTo, text.length - longest);
      while (
        open < text.length &&
        !(text[open] === placeholders.prefix[0] && mayBecomeName(text.slice(open), placeholders))
      ) {
        open++;
      }
      held = text.slice(open);
      return restored + text.slice(readTo, open);
    },
    end() {
      const rest = held;
      held = "";
      return rest;
    },
  };
}
