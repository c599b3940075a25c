// Puts placeholders where secrets stand, and the secrets back into what a model answers.
import { findSecrets, type SecretFinding } from "./find.ts";

/** For an answer that arrives in pieces: a placeholder cut in two is held back until it is whole. */
export interface Restorer {
  push(piece: string): string;
  /** What was still held back. */
  end(): string;
}

export interface MaskedTexts {
  readonly texts: readonly string[];
  /** How many different secrets were replaced. */
  readonly count: number;
  restore(answer: string): string;
  createRestorer(): Restorer;
}

/** Shorter secrets are replaced elsewhere only where they stand alone: “root” must not go out of “rootDir”. */
const minLengthInsideWords = 8;

const escapePattern = (text: string) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");

/** A first word that none of the texts has before a `_`, so that what reads like a placeholder there stays as it is. */
function choosePrefix(texts: readonly string[]): string {
  for (let n = 0; ; n++) {
    const prefix =
      n === 0 ? "SECRET" : `SECRET${String.fromCharCode(64 + ((n - 1) % 26) + 1).repeat(Math.ceil(n / 26))}`;
    if (!texts.some((text) => new RegExp(`${prefix}\\\\?_`).test(text))) return prefix;
  }
}

/** Secret to placeholder, numbered in the order of their first occurrence. */
function namePlaceholders(
  texts: readonly string[],
  findings: readonly (readonly SecretFinding[])[],
): Map<string, string> {
  const prefix = choosePrefix(texts);
  const placeholders = new Map<string, string>();
  for (const [index, text] of texts.entries()) {
    for (const { start, end, rule } of findings[index] ?? []) {
      const secret = text.slice(start, end);
      if (secret === "" || placeholders.has(secret)) continue;
      const kind = rule.replace(/\W+/g, "_").toUpperCase();
      placeholders.set(secret, `${prefix}_${placeholders.size + 1}_${kind}`);
    }
  }
  return placeholders;
}

/** Replaces the findings, and every other place where the same values stand. */
function maskText(text: string, findings: readonly SecretFinding[], placeholders: ReadonlyMap<string, string>): string {
  const inOrder = [...placeholders.keys()].sort((a, b) => b.length - a.length);
  const everywhere = inOrder.map((secret) =>
    secret.length < minLengthInsideWords ? `(?<!\\w)${escapePattern(secret)}(?!\\w)` : escapePattern(secret),
  );
  const pattern = new RegExp(everywhere.join("|"), "g");
  const replace = (part: string) => part.replace(pattern, (secret) => placeholders.get(secret) ?? secret);
  let masked = "";
  let done = 0;
  for (const { start, end } of findings) {
    masked += replace(text.slice(done, start)) + (placeholders.get(text.slice(start, end)) ?? "");
    done = end;
  }
  return masked + replace(text.slice(done));
}

/** Models write `SECRET\_1\_KEY` where Markdown would read the underscores. */
function readPlaceholders(placeholders: readonly string[]): RegExp {
  return new RegExp(placeholders.map((each) => each.replaceAll("_", "\\\\?_")).join("|"), "g");
}

/** Where the text ends with what may be the beginning of a placeholder; its length otherwise. */
function openFrom(text: string, placeholders: readonly string[]): number {
  const longest = Math.max(...placeholders.map((each) => each.length + 8));
  for (let at = Math.max(0, text.length - longest); at < text.length; at++) {
    if (text[at] !== "S") continue;
    const tail = text.slice(at).replaceAll("\\_", "_").replace(/\\$/, "");
    if (placeholders.some((each) => each.startsWith(tail))) return at;
  }
  return text.length;
}

/**
 * Each different secret becomes one placeholder, the same in all texts, such as `SECRET_1_AWS_KEY`.
 * `findings` belong to the texts in their order; without them the texts are searched here.
 */
export function maskSecrets(
  texts: readonly string[],
  findings: readonly (readonly SecretFinding[])[] = texts.map((text) => findSecrets(text)),
): MaskedTexts {
  const placeholders = namePlaceholders(texts, findings);
  if (placeholders.size === 0) {
    const same = (text: string) => text;
    return { texts, count: 0, restore: same, createRestorer: () => ({ push: same, end: () => "" }) };
  }
  const names = [...placeholders.values()];
  const secrets = new Map([...placeholders].map(([secret, name]) => [name, secret]));
  const pattern = readPlaceholders(names);
  const secretOf = (name: string) => secrets.get(name.replaceAll("\\_", "_")) ?? name;
  const restore = (answer: string) => answer.replace(pattern, secretOf);
  const createRestorer = (): Restorer => {
    let held = "";
    return {
      push(piece) {
        const text = held + piece;
        const from = openFrom(text, names);
        held = text.slice(from);
        return restore(text.slice(0, from));
      },
      end() {
        const rest = restore(held);
        held = "";
        return rest;
      },
    };
  };
  return {
    texts: texts.map((text, index) => maskText(text, findings[index] ?? [], placeholders)),
    count: placeholders.size,
    restore,
    createRestorer,
  };
}
