// Puts placeholders where secrets stand, and the secrets back into what a model answers.
import { findSecrets, type SecretFinding } from "./find.ts";
import { createRestorer, type Placeholders, type Restorer, restorePlaceholders } from "./placeholders.ts";

export interface MaskedTexts {
  readonly texts: readonly string[];
  /** How many different secrets were replaced. */
  readonly count: number;
  restore(answer: string): string;
  createRestorer(): Restorer;
}

/** Shorter secrets are replaced elsewhere only where they stand alone: “root” must not go out of “rootDir”. */
const minLengthInsideWords = 8;
/** No secret is shorter than this. */
const headLength = 3;

/** A first word that none of the texts has before a `_`, so that what reads like a placeholder there stays as it is. */
function choosePrefix(texts: readonly string[]): string {
  for (let n = 0; ; n++) {
    const prefix = n === 0 ? "SECRET" : `SECRET${String.fromCharCode(65 + ((n - 1) % 26)).repeat(Math.ceil(n / 26))}`;
    if (!texts.some((text) => text.includes(`${prefix}_`) || text.includes(`${prefix}\\_`))) return prefix;
  }
}

function namePlaceholders(texts: readonly string[], findings: readonly (readonly SecretFinding[])[]): Placeholders {
  const prefix = choosePrefix(texts);
  const names: string[] = [];
  const values = new Set<string>();
  for (const [index, text] of texts.entries()) {
    for (const { start, end, rule } of findings[index] ?? []) {
      const secret = text.slice(start, end);
      if (secret === "" || values.has(secret)) continue;
      values.add(secret);
      names.push(`${prefix}_${names.length + 1}_${rule.replace(/\W+/g, "_").toUpperCase()}`);
    }
  }
  return { prefix, names, values: [...values] };
}

/** Replaces every place where one of the secrets stands, the longest first; the time does not grow with their number. */
function createReplacer({ names, values }: Placeholders): (text: string) => string {
  const placeholders = new Map(values.map((value, index) => [value, names[index] ?? ""]));
  const lengths = new Map<string, readonly number[]>();
  for (const value of values) {
    const head = value.slice(0, headLength);
    const known = lengths.get(head) ?? [];
    if (!known.includes(value.length))
      lengths.set(
        head,
        [...known, value.length].sort((a, b) => b - a),
      );
  }
  const heads = new Set([...lengths.keys()].map((head) => head.charCodeAt(0)));
  const placeholderAt = (text: string, at: number) => {
    for (const length of lengths.get(text.slice(at, at + headLength)) ?? []) {
      const secret = text.slice(at, at + length);
      const isInside = /\w/.test(text.charAt(at - 1)) || /\w/.test(text.charAt(at + length));
      const name = length < minLengthInsideWords && isInside ? undefined : placeholders.get(secret);
      if (name !== undefined) return { name, length };
    }
    return undefined;
  };
  return (text) => {
    let masked = "";
    let done = 0;
    for (let at = 0; at < text.length; at++) {
      const found = heads.has(text.charCodeAt(at)) ? placeholderAt(text, at) : undefined;
      if (!found) continue;
      masked += text.slice(done, at) + found.name;
      done = at + found.length;
      at = done - 1;
    }
    return masked + text.slice(done);
  };
}

/** Replaces the findings themselves, however short, and the same values elsewhere. */
function createMask(placeholders: Placeholders): (text: string, findings: readonly SecretFinding[]) => string {
  const names = new Map(placeholders.values.map((value, index) => [value, placeholders.names[index] ?? ""]));
  const replace = createReplacer(placeholders);
  return (text, findings) => {
    let masked = "";
    let done = 0;
    for (const { start, end } of findings) {
      masked += replace(text.slice(done, start)) + (names.get(text.slice(start, end)) ?? "");
      done = end;
    }
    return masked + replace(text.slice(done));
  };
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
  const mask = createMask(placeholders);
  return {
    texts: placeholders.names.length === 0 ? texts : texts.map((text, index) => mask(text, findings[index] ?? [])),
    count: placeholders.names.length,
    restore: (answer) => restorePlaceholders(answer, placeholders),
    createRestorer: () => createRestorer(placeholders),
  };
}
