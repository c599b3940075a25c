// Secrets inside base64, as keys stand in a kubeconfig, values in a Kubernetes Secret, and texts in a header or an address.
import type { Span } from "./rule.ts";

/** Shorter ones hold no secret. */
const shortest = 32;
/** Also the signs for addresses. */
const isSign: Readonly<Uint8Array> = Uint8Array.from({ length: 0x80 }, (_, code) =>
  /[\w+/-]/.test(String.fromCharCode(code)) ? 1 : 0,
);
/** Nobody hides more; what follows is not looked at. */
const longest = 256 * 1024;
/** Whether it is text is seen from its beginning. */
const judged = 64;

/** Every run of base64 whose text `holds` a secret; all of it is one. Looks at one sign of so many as a run has at least. */
export function findEncoded(text: string, holds: (decoded: string) => boolean): readonly Span[] {
  const found: Span[] = [];
  const isPart = (at: number) => isSign[text.charCodeAt(at)] === 1;
  let before = 0;
  for (let at = shortest - 1; at < text.length; at += shortest) {
    if (!isPart(at)) continue;
    let start = at;
    while (start > before && isPart(start - 1)) start--;
    let end = at + 1;
    while (end < text.length && isPart(end)) end++;
    before = end;
    at = end - 1;
    if (end - start < shortest) continue;
    const decoded = textIn(text.slice(start, end));
    if (decoded !== undefined && holds(decoded)) found.push({ start, end });
  }
  return found;
}

function textIn(value: string): string | undefined {
  if (!isText(decode(value.slice(0, judged)))) return undefined;
  const decoded = decode(value.slice(0, longest));
  return isText(decoded) ? decoded : undefined;
}

function decode(value: string): string {
  const usual = value.replaceAll("-", "+").replaceAll("_", "/");
  // A last sign that stands alone holds nothing.
  return atob(usual.length % 4 === 1 ? usual.slice(0, -1) : usual);
}

const isText = (decoded: string) => /^[\t\n\r\x20-\x7e\x80-\xff]*$/.test(decoded) && /[A-Za-z]{2}/.test(decoded);
