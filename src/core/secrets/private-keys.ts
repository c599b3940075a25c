import { msg } from "../message.ts";
import { entropy } from "./randomness.ts";
import { matchAt, type Rule, type Span } from "./rule.ts";

const header = /-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----/y;
const footer = /(-----END (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----)/y;
const puttyBody = /(private-lines: ?\d{1,3}[A-Za-z0-9+/=\s\\]{60,20000})/iy;
const keyText = /[A-Za-z0-9+/]{40}/;

function hasKeyText(body: string): boolean {
  const run = keyText.exec(body);
  return run !== null && entropy(run[0]) >= 3.5;
}

/** A PEM or OpenSSH key with its first and last line; without its last line, as when a part was pasted, to its last base64. */
function findPem(text: string, at: number): Span | undefined {
  const begin = matchAt(header, text, at, 0);
  if (!begin) return undefined;
  const next = text.indexOf("-----", begin.end);
  const end = next < 0 ? text.length : next;
  // Only up to the next dashes, which every header has: no text is read twice.
  const body = text.slice(begin.end, end);
  if (!hasKeyText(body)) return undefined;
  const last = matchAt(footer, text, end);
  if (last) return { start: at, end: last.end };
  const open =
    /^(?:[\s"'`+,\\]|[\w-]{1,40}: [^\n]{1,200}\n|[A-Za-z0-9+/=]{16,}(?![A-Za-z0-9+/=])|[A-Za-z0-9+/=]+(?=[\s"'`\\]*$))*/.exec(
      body,
    );
  const length = open?.[0].trimEnd().length ?? 0;
  return length > 40 ? { start: at, end: begin.end + length } : undefined;
}

export const privateKeyRules: readonly Rule[] = [
  { id: "private-key", label: msg("Private key"), keywords: ["-----begin "], find: findPem },
  {
    id: "private-key",
    label: msg("Private key"),
    keywords: ["private-lines:"],
    find: (text, start) => {
      const found = matchAt(puttyBody, text, start);
      if (!found || !hasKeyText(found.value)) return undefined;
      // The class of base64 also takes in the words of the line after the key.
      const after = /\n\s*Private-$/.exec(found.value) ?? /\n[ \t]*[A-Za-z]{1,20}$/.exec(found.value);
      return { start, end: after ? start + after.index : found.end };
    },
  },
];
