import type { Message } from "../message.ts";

/** UTF-16 offsets of a secret value; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One kind of secret: words that announce it, and what decides whether it is really there. */
export interface Rule {
  /** Also the name in the placeholder: `aws-key` becomes `SECRET_1_AWS_KEY`. */
  readonly id: string;
  readonly label: Message;
  /** In small letters. */
  readonly keywords: readonly string[];
  /** Not asked about keywords inside a secret that was found before: its values are long, and would be read again. */
  readonly skipsFound?: boolean;
  /** Looks around the keyword at `start`…`end`; must not read further than a bounded distance, or to the next keyword. */
  readonly find: (text: string, start: number, end: number) => Span | undefined;
}

/**
 * Where `group` stands if the pattern fits exactly at `at`. The pattern has the flag `y`, and the group is its last
 * part but for what it looks ahead to: asking the engine for places (flag `d`) makes it match twice.
 */
export function matchAt(pattern: RegExp, text: string, at: number, group = 1): (Span & { value: string }) | undefined {
  pattern.lastIndex = at;
  const value = pattern.exec(text)?.[group];
  const end = pattern.lastIndex;
  return value === undefined ? undefined : { start: end - value.length, end, value };
}

/** Whether a token may begin here: not in the middle of a word, but well after `\n` written as an escape. */
export function isTokenStart(text: string, at: number): boolean {
  if (at === 0) return true;
  if (!/[A-Za-z0-9]/.test(text.charAt(at - 1))) return true;
  return text.charAt(at - 2) === "\\" && /[nrt]/.test(text.charAt(at - 1));
}
