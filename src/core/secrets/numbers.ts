// Numbers that stand for a person: Chinese resident ID and mobile numbers, bank cards.
import { type Message, msg } from "../message.ts";
import { matchAt, type Span } from "./rule.ts";

export interface NumberFinding extends Span {
  readonly rule: string;
  readonly label: Message;
}

/** Also digits that go on after one separator: such a number is part of a longer one. */
const notGoingOn = "(?![A-Za-z0-9_]|[.-][0-9A-Za-z])";
const residentId = new RegExp(`([1-9]\\d{5}([ -]?)(?:19|20)\\d{6}\\2\\d{3}[\\dXx])${notGoingOn}`, "y");
const mobile = new RegExp(
  `(?:(?:00)?86([ -]?))?(1[3-9]\\d([ -]?)\\d{4}\\2\\d{4})${notGoingOn}`.replace("\\2\\d{4})", "\\3\\d{4})"),
  "y",
);
const card = new RegExp(`([2-6]\\d{3}([ -]?)\\d{4}\\2\\d{4}\\2\\d{1,4}(?:\\2\\d{3})?|3[47]\\d{13})${notGoingOn}`, "y");

const provinces = /^(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)/;
const operators = /^1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])/;
const cardIssuers = /^(?:4\d{15}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|62\d{14,17}|3[47]\d{13})$/;

const onlyDigits = (text: string) => text.replace(/[ -]/g, "");

/** GB 11643: a weight a digit, modulo 11; the date is one of the calendar. */
function isResidentId(text: string): boolean {
  const id = onlyDigits(text).toUpperCase();
  if (!provinces.test(id)) return false;
  const [year, month, day] = [Number(id.slice(6, 10)), Number(id.slice(10, 12)), Number(id.slice(12, 14))];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || year > 2050) return false;
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += Number(id[i]) * (2 ** (17 - i) % 11);
  return id[17] === "10X98765432"[sum % 11];
}

function isMobile(text: string): boolean {
  const number = onlyDigits(text);
  // Sizes in bytes: 2^34, the one power of two in the range, and round ones.
  return operators.test(number) && !/^17179869184$|0{6}$/.test(number) && new Set(number).size > 2;
}

/** Luhn: every second digit doubled, from the right. */
function isCard(text: string): boolean {
  const number = onlyDigits(text);
  if (!cardIssuers.test(number) || new Set(number).size <= 4) return false;
  let sum = 0;
  for (let i = 0; i < number.length; i++) {
    const digit = Number(number[number.length - 1 - i]);
    const doubled = digit * 2;
    sum += i % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

const kinds = [
  {
    rule: "resident-id",
    label: msg("Resident ID number (China)"),
    pattern: residentId,
    group: 1,
    isReal: isResidentId,
  },
  { rule: "mobile-number", label: msg("Mobile number (China)"), pattern: mobile, group: 2, isReal: isMobile },
  { rule: "bank-card", label: msg("Bank card number"), pattern: card, group: 1, isReal: isCard },
] as const;

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Whether a number of a person may begin here: not inside a word, a decimal, a longer number or a hyphenated id. */
function isNumberStart(text: string, at: number): boolean {
  if (at === 0) return true;
  const before = text.charCodeAt(at - 1);
  if (isDigit(before) || /[A-Za-z_.#$]/.test(text.charAt(at - 1))) return false;
  return !(before === 45 && /[A-Za-z0-9]/.test(text.charAt(at - 2)));
}

/** Every such number; reads each number once. */
export function findNumbers(text: string): NumberFinding[] {
  const found: NumberFinding[] = [];
  for (let i = 0; i < text.length - 10; i++) {
    if (!isDigit(text.charCodeAt(i))) continue;
    const start = i;
    let end = i + 1;
    while (end < text.length && isDigit(text.charCodeAt(end))) end++;
    i = end - 1;
    if (end - start < 2 || end - start > 19 || !isNumberStart(text, start)) continue;
    for (const { rule, label, pattern, group, isReal } of kinds) {
      const match = matchAt(pattern, text, start, group);
      if (!match || !isReal(match.value)) continue;
      found.push({ rule, label, start: match.start, end: match.end });
      i = match.end - 1;
      break;
    }
  }
  return found;
}
