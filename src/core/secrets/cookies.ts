// Cookies that keep somebody logged in: who has one is that person. Names that are nothing else, anywhere; in a header
// (`Cookie: …`, `Set-Cookie: …`, `curl -b '…'`) whatever is named as such.
import { msg } from "../message.ts";
import { looksRandom } from "./randomness.ts";
import { matchAt, type Rule, type Span } from "./rule.ts";

/** `NAME=value`, `"NAME": "value"`, `"NAME", "value"`, `"NAME", "value": "value"`, or a field of a file of cookies. */
const named =
  /[\w.-]{0,40}(?:=|%3[Dd]|\t|\\?["'`][ \t]{0,4}[:,=][ \t\r\n]{0,40}(?:\\?["'`]value\\?["'`][ \t]{0,4}:[ \t]{0,4})?)\\?["'`]?([^\s"'`;,&?#<>\\]{16,160})/y;
const inHeader = /[\w.-]{0,40}=([^\s"'`;,&?#<>\\]{16,160})/y;

/** What is left of a value that was too long to be read at once. */
const remainder = /([^\s"'`;,&?#<>\\]{0,4096})/y;

/** How far back of a pair its header begins. */
const longestHeader = 2048;
const header = /(?:\bcookie2?\\?["'`]?[ \t]{0,4}[:=,]|[ \t]-b[ \t=]{0,4}|--cookie[ \t=]{1,4})/i;
const headerSigns = ["ookie", "OOKIE", " -b", "\t-b"];
/** Kept against forged requests, or what a page may read: they let nobody in. */
const harmless = /(?:csrf|xsrf|nonce|consent|state|theme|lang)/i;

function isInHeader(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - longestHeader), at);
  // Each pair of a long line looks back: the pattern would read it again and again.
  if (!headerSigns.some((sign) => before.includes(sign))) return false;
  return header.test(before.slice(before.lastIndexOf("\n") + 1));
}

function nameOf(text: string, start: number, valueStart: number): string {
  let from = start;
  while (from > 0 && start - from < 60 && /[\w.-]/.test(text.charAt(from - 1))) from--;
  return /^[\w.-]*/.exec(text.slice(from, valueStart))?.[0] ?? "";
}

const whole = (text: string, { start, end }: Span): Span => ({
  start,
  end: matchAt(remainder, text, end)?.end ?? end,
});

function findPair(text: string, start: number, end: number): Span | undefined {
  const pair = matchAt(inHeader, text, end);
  if (!pair || !isInHeader(text, start) || !looksRandom(pair.value, 16)) return undefined;
  return harmless.test(nameOf(text, start, pair.start)) ? undefined : whole(text, pair);
}

/** `sessionId` is the name of much that lets nobody in: `sessionid` counts as it is written. */
function findNamed(text: string, start: number, end: number): Span | undefined {
  const word = text.slice(start, end);
  if (word !== word.toLowerCase() && word !== word.toUpperCase() && word !== "ASP.NET_SessionId") return undefined;
  if (/\w/.test(text.charAt(start - 1))) return undefined;
  const pair = matchAt(named, text, end);
  return pair && looksRandom(pair.value, 20) ? whole(text, pair) : undefined;
}

const label = msg("Session cookie");

export const cookieRules: readonly Rule[] = [
  {
    id: "session-cookie",
    label,
    keywords: ["phpsessid", "jsessionid", "connect.sid", "asp.net_sessionid", "sessionid", ".aspxauth"],
    skipsFound: true,
    find: findNamed,
  },
  {
    id: "session-cookie",
    label,
    keywords: ["sess", "sid", "auth", "login", "logged_in", "remember", "identity", "token", "jwt", "clearance"],
    skipsFound: true,
    find: findPair,
  },
];
