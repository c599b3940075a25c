// Secrets inside base64, as keys stand in a kubeconfig, values in a Kubernetes Secret, and texts in a header or an address.
import type { Span } from "./rule.ts";

/** Shorter ones hold no secret. Also with the signs for addresses. */
const run = /(?<![\w+/-])[\w+/-]{32,}/g;
/** Nobody hides more; what follows is not looked at. */
const longest = 256 * 1024;
/** Whether it is text is seen from its beginning. */
const judged = 64;

/** Every run of base64 whose text `holds` a secret; all of it is one. */
export function findEncoded(text: string, holds: (decoded: string) => boolean): readonly Span[] {
  const found: Span[] = [];
  for (const { 0: value, index: start } of text.matchAll(run)) {
    const decoded = textIn(value);
    if (decoded !== undefined && holds(decoded)) found.push({ start, end: start + value.length });
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
