// What a text that is translated is cut into.

export type Part =
  | { readonly kind: "keep"; readonly text: string }
  /** Prose with `⟦1⟧` … in the places of code, link targets and markup; `held` are what belongs there, in order. */
  | {
      readonly kind: "translate";
      readonly original: string;
      readonly text: string;
      readonly held: readonly string[];
      /** Prose of a comment in source code. */
      readonly isComment?: true;
    };

/** Puts what was held back into its places. Undefined where a place is missing, doubled or invented. */
export function restore(translated: string, held: readonly string[]): string | undefined {
  const seen = new Set<number>();
  let isWhole = true;
  const text = translated.replace(/⟦\s*(\d+)\s*⟧/g, (_, digits: string) => {
    const number = Number(digits);
    const original = held[number - 1];
    if (original === undefined || seen.has(number)) isWhole = false;
    seen.add(number);
    return original ?? "";
  });
  return isWhole && seen.size === held.length ? text : undefined;
}
