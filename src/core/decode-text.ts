// Text of a file whose encoding nobody tells: what is not UTF-8 must not come to a model as question marks. The usual
// libraries (chardet 2, jschardet 3) were tried: code with a short comment in GBK is Latin-1, cp1006 or Shift_JIS to them.

export interface Decoded {
  readonly text: string;
  /** Where it is not UTF-8. */
  readonly encoding?: string;
}

/** So many bytes tell whether it is text at all. */
const lookedAt = 8000;
/** Of the signs beyond ASCII in a Chinese text, so many are of GB2312. */
const chineseShare = 0.95;
/** Of a western text, at most so many bytes are beyond ASCII. */
const westernShare = 0.2;

/** @returns undefined where it is no text, or one in no encoding that is known here */
export function decodeText(bytes: Uint8Array): Decoded | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decoded(bytes, "utf-16le", "UTF-16");
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decoded(bytes, "utf-16be", "UTF-16");
  if (bytes.subarray(0, lookedAt).includes(0)) return undefined;
  const utf8 = decoded(bytes, "utf-8");
  if (utf8) return utf8;
  if (isChinese(bytes)) return decoded(bytes, "gb18030", "GB18030");
  const beyond = bytes.reduce((count, byte) => count + (byte >= 0x80 ? 1 : 0), 0);
  return beyond <= bytes.length * westernShare ? decoded(bytes, "windows-1252", "Windows-1252") : undefined;
}

function decoded(bytes: Uint8Array, label: string, encoding?: string): Decoded | undefined {
  try {
    const text = new TextDecoder(label, { fatal: true }).decode(bytes);
    return encoding === undefined ? { text } : { text, encoding };
  } catch {
    return undefined;
  }
}

/** Characters of GB2312 have two bytes of 0xA1 and above; accents of western texts stand alone between letters. */
function isChinese(bytes: Uint8Array): boolean {
  let [pairs, others] = [0, 0];
  for (let at = 0; at < bytes.length; at++) {
    if ((bytes[at] ?? 0) < 0x80) continue;
    if ((bytes[at] ?? 0) >= 0xa1 && (bytes[at + 1] ?? 0) >= 0xa1) pairs++;
    else others++;
    at++;
  }
  return pairs > 0 && pairs >= (pairs + others) * chineseShare;
}
