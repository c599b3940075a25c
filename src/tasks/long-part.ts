// A paragraph that is too long for one request is parted between sentences, else between words; joined it is the same again.
import type { Part } from "./parts.ts";

export type Translated = Extract<Part, { kind: "translate" }>;

const sentence = /[^\n.!?。！？；]*(?:[.!?]+["”’)]*(?=\s|$)\s*|[。！？；]+[”’）]*\s*|\n\s*|[.!?]|$)/gu;
/** A mark, or so much without a blank. */
const word = /⟦\d+⟧\s*|[^\s⟦]{1,120}\s*|⟦|\s+/gu;

export function splitLong(
  part: Translated,
  maxTokens: number,
  estimate: (text: string) => number,
): readonly Translated[] {
  if (estimate(part.text) <= maxTokens) return [part];
  const fits = (text: string) => estimate(text) <= maxTokens;
  const units = (part.text.match(sentence) ?? []).flatMap((each) => (fits(each) ? [each] : (each.match(word) ?? [])));
  const texts: string[] = [];
  for (const unit of units) {
    const last = texts.at(-1);
    if (last !== undefined && fits(last + unit)) texts[texts.length - 1] = last + unit;
    else if (unit !== "") texts.push(unit);
  }
  return texts.map((text) => pieceOf(part, text));
}

/** Its marks count from 1 again, as those of every part do. */
function pieceOf({ held, text: _, original: __, ...rest }: Translated, text: string): Translated {
  const own: string[] = [];
  const marked = text.replace(/⟦(\d+)⟧/g, (_mark, digits: string) => {
    own.push(held[Number(digits) - 1] ?? "");
    return `⟦${own.length}⟧`;
  });
  const original = marked.replace(/⟦(\d+)⟧/g, (_mark, digits: string) => own[Number(digits) - 1] ?? "");
  return { ...rest, original, text: marked, held: own };
}
