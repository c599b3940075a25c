/** Natural language of a text, by script. */
export type TextLanguage = "zh" | "en" | "other";

/** Enough to tell; longer texts cost more and say no more. */
const sampleLength = 4000;

/**
 * Han characters count as several letters, because a word of Chinese is one or two of them: a Chinese question
 * full of English identifiers is still Chinese. Kana and Hangul mark Japanese and Korean, which are `other`.
 */
export function detectLanguage(text: string): TextLanguage {
  const sample = text.slice(0, sampleLength);
  let han = 0;
  let latin = 0;
  let other = 0;
  for (let at = 0; at < sample.length; at++) {
    const code = sample.charCodeAt(at);
    if ((code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)) latin++;
    else if ((code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf)) han++;
    else if (code >= 0xc0 && code <= 0x24f) latin++;
    else if (
      (code >= 0x3040 && code <= 0x30ff) ||
      (code >= 0xac00 && code <= 0xd7af) ||
      (code >= 0x370 && code <= 0x6ff) ||
      (code >= 0x900 && code <= 0xe7f)
    ) {
      other++;
    }
  }
  if (other > 0 && other * 2 >= han && other * 5 >= latin) return "other";
  if (han > 0 && han * 4 >= latin) return "zh";
  return "en";
}
