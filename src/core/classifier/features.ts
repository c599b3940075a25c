// Turns a text into numbers in one pass: hashed words and pieces of words, signs of code and mathematics, keywords.
import type { TaskKind } from "../task.ts";
import { blank, foreign, ideograph, letter, pieceCodes, scriptOf, signCodes, wordCodes } from "./characters.ts";
import { addToHash, hashSeed, joinHashes } from "./hash.ts";
import type { Entry, Lexicon } from "./lexicon.ts";

/** The weight table has 2 to the power of this many rows; the hash of a feature picks its row. */
export const bucketBits = 15;
const shift = 32 - bucketBits;
/** What a question is about stands at its beginning or its end; the middle of a long one is material. */
const headLength = 1500;
const tailLength = 500;
/** Of that, the first and the last lines count in full and the rest less. */
const coreHead = 400;
const coreTail = 200;
/** Words that may stand between the halves of a keyword such as “write … function”; a Chinese character is a word. */
const reach = 12;
/** More than a text of `headLength + tailLength` can have. */
const maxIds = 8192;
const maxSpans = coreHead + coreTail;
const startSalt = 0x51ed270b;
/** A word that comes again says less; a rule counts at most this many of its words. */
const maxHitsPerRule = 3;

export interface Hit {
  readonly kind: TaskKind;
  readonly points: number;
  readonly phrase: string;
}

/** Features of one text at a time: read them before the next `scan`. Reused, since making room costs more than reading. */
export class Features {
  /** Rows of whole words, each once, those of the first and last lines (the core) first; and of pieces of the core. */
  readonly words = new Uint16Array(maxIds);
  readonly pieces = new Uint16Array(maxIds);
  wordCount = 0;
  pieceCount = 0;
  coreWordCount = 0;
  /** Start, end and hash of single words and of pairs of Chinese characters, to tell people what was seen. */
  readonly spans = new Int32Array(maxSpans * 3);
  spanCount = 0;
  hits: Hit[] = [];
  /** How many characters were read, how many of them Chinese, how many of other scripts, and each of `signCodes`. */
  length = 0;
  ideographs = 0;
  foreigners = 0;
  readonly signs = new Int32Array(8);

  private readonly lexicon: Lexicon;
  /** For each row the number of the text it was last seen in, from 1 to 127; plus 128 where it may be a keyword. */
  private readonly marks = new Uint8Array(1 << bucketBits);
  private mark = 0;
  /** Where each group of the lexicon was last opened, in words from the beginning. */
  private readonly openedAt: Int32Array;
  private position = 0;
  /** Hashes of the last word, the last two, the last three. */
  private last1 = 0;
  private last2 = 0;
  private last3 = 0;
  private lastStart = -1;
  private readonly hitsPerRule = new Map<object, number>();
  private readonly seen = new Set<Entry>();

  constructor(lexicon: Lexicon) {
    this.lexicon = lexicon;
    this.openedAt = new Int32Array(lexicon.groups + 1);
    for (const hash of lexicon.entries.keys()) this.marks[rowOf(hash)] = 128;
  }

  scan(text: string): void {
    this.reset();
    const { length } = text;
    const tailFrom = Math.max(Math.min(length, coreHead), length - coreTail);
    this.read(text, 0, Math.min(length, coreHead), true);
    if (tailFrom < length) this.read(text, tailFrom, length, true);
    this.coreWordCount = this.wordCount;
    if (tailFrom > coreHead) {
      const headTo = Math.min(headLength, tailFrom);
      this.read(text, coreHead, headTo, false);
      const lastFrom = Math.max(headTo, length - tailLength);
      if (lastFrom < tailFrom) this.read(text, lastFrom, tailFrom, false);
    }
  }

  private reset(): void {
    this.wordCount = 0;
    this.pieceCount = 0;
    this.spanCount = 0;
    this.hits = [];
    this.length = 0;
    this.ideographs = 0;
    this.foreigners = 0;
    this.signs.fill(0);
    this.position = 0;
    this.openedAt.fill(-1000);
    this.hitsPerRule.clear();
    this.seen.clear();
    if (++this.mark === 128) {
      for (let row = 0; row < this.marks.length; row++) this.marks[row] = (this.marks[row] ?? 0) & 128;
      this.mark = 1;
    }
  }

  private read(text: string, from: number, to: number, isCore: boolean): void {
    const { signs } = this;
    let hash = hashSeed;
    let start = -1;
    let piece = 0x20202020;
    this.length += to - from;
    this.last1 = 0;
    this.last2 = 0;
    this.last3 = 0;
    this.lastStart = -1;
    for (let at = from; at < to; at++) {
      const code = text.charCodeAt(at);
      let part = 0;
      let script = blank;
      if (code < 128) {
        part = wordCodes[code] ?? 0;
        const sign = signCodes[code] ?? 0;
        if (sign > 0) signs[sign] = (signs[sign] ?? 0) + 1;
        const low = pieceCodes[code] ?? 32;
        if (isCore && (low !== 32 || (piece & 0xff) !== 32)) {
          piece = (piece << 8) | low;
          this.addPiece(piece);
        }
        // An apostrophe is part of its word: what's and whats are one.
        if (code === 39) continue;
      } else {
        script = scriptOf(code);
        if (script === letter) {
          this.foreigners++;
          part = code >= 0x410 && code <= 0x42f ? code + 32 : code;
        }
      }
      if (part > 0) {
        if (start < 0) {
          start = at;
          hash = hashSeed;
        }
        hash = addToHash(hash, part);
        continue;
      }
      if (start >= 0) {
        this.addWord(hash, start, at, isCore);
        start = -1;
      }
      if (script === ideograph) this.ideographs++;
      else if (script === foreign) this.foreigners++;
      if (script !== blank) this.addWord(addToHash(hashSeed, code), at, at + 1, isCore);
    }
    if (start >= 0) this.addWord(hash, start, to, isCore);
  }

  /** A word or a Chinese character, by itself and as the end of what stands before it. */
  private addWord(hash: number, start: number, end: number, isCore: boolean): void {
    this.position++;
    this.add(hash);
    if (this.position <= 3) this.add(joinHashes(startSalt, hash));
    const pair = this.last1 === 0 ? 0 : joinHashes(this.last1, hash);
    const triple = this.last2 === 0 ? 0 : joinHashes(this.last2, hash);
    if (pair !== 0) this.add(pair);
    if (triple !== 0) this.add(triple);
    if (this.last3 !== 0) this.look(joinHashes(this.last3, hash));
    this.last1 = hash;
    this.last2 = pair;
    this.last3 = triple;
    if (isCore) this.addSpan(hash, pair, start, end);
    this.lastStart = start;
  }

  /** Notes where words of three letters and more stand, and Chinese characters that follow each other. */
  private addSpan(hash: number, pair: number, start: number, end: number): void {
    const isPair = end - start === 1 && this.lastStart === start - 1 && pair !== 0;
    if (!isPair && end - start < 3) return;
    const at = this.spanCount++ * 3;
    this.spans[at] = isPair ? start - 1 : start;
    this.spans[at + 1] = end;
    this.spans[at + 2] = isPair ? pair : hash;
  }

  private add(hash: number): void {
    const row = rowOf(hash);
    const mark = this.marks[row] ?? 0;
    if (mark >= 128) this.look(hash);
    if ((mark & 127) === this.mark || this.wordCount === maxIds) return;
    this.marks[row] = (mark & 128) | this.mark;
    this.words[this.wordCount++] = row;
  }

  private addPiece(hash: number): void {
    const row = rowOf(hash);
    const mark = this.marks[row] ?? 0;
    if ((mark & 127) === this.mark || this.pieceCount === maxIds) return;
    this.marks[row] = (mark & 128) | this.mark;
    this.pieces[this.pieceCount++] = row;
  }

  private look(hash: number): void {
    const entry = this.lexicon.entries.get(hash);
    if (entry === undefined) return;
    for (const group of entry.opens) this.openedAt[group] = this.position;
    if (this.seen.has(entry)) return;
    for (const { rule, after } of entry.rules) {
      if (after > 0 && this.position - (this.openedAt[after] ?? -reach) > reach) continue;
      this.seen.add(entry);
      const count = this.hitsPerRule.get(rule) ?? 0;
      if (count < maxHitsPerRule) this.hits.push({ kind: rule.kind, points: rule.points, phrase: entry.phrase });
      this.hitsPerRule.set(rule, count + 1);
    }
  }
}

export function rowOf(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> shift;
}
