// What each of the first 128 characters is to the classifier, and which of the others are letters.

/** Its lower case where it is part of a word (digits are all 0), else 0. */
export const wordCodes = new Uint8Array(128);
/** For pieces of words every sign counts, and all blanks are one. */
export const pieceCodes = new Uint8Array(128);
/** Which sign it is: 1 code, 2 mathematics, 3 digit, 4 line end, 5 question, 6 quotation; 0 none. */
export const signCodes = new Uint8Array(128);

for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code).toLowerCase();
  const isDigit = code >= 48 && code <= 57;
  wordCodes[code] = isDigit ? 48 : /[a-z_+#]/.test(character) ? character.charCodeAt(0) : 0;
  pieceCodes[code] = code <= 32 ? 32 : isDigit ? 48 : character.charCodeAt(0);
}
for (const [index, group] of ["{};<>()[]_`/\\", "^+*$%=", "0123456789", "\n", "?", '"'].entries()) {
  for (const character of group) signCodes[character.charCodeAt(0)] = index + 1;
}

export const blank = 0;
export const letter = 1;
export const ideograph = 2;
export const foreign = 3;

/** For characters beyond the first 128: a letter written in words, or one that is a word or syllable by itself. */
export function scriptOf(code: number): number {
  if (code >= 0x3400 && code <= 0x9fff) return ideograph;
  if (code < 0x250) return code < 0xc0 ? blank : letter;
  if ((code >= 0x370 && code <= 0x6ff) || (code >= 0x1e00 && code <= 0x1fff)) return letter;
  if ((code >= 0x900 && code < 0x1e00) || (code >= 0x3040 && code <= 0x33ff) || (code >= 0xac00 && code <= 0xd7af)) {
    return foreign;
  }
  return blank;
}
