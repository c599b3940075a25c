// Tells values a machine made up from words, identifiers and the stand-ins people write into examples.

/** A value is judged by its beginning; what comes later of a long one says no more. */
const judgedLength = 160;

/** Bits a character, from how often each one occurs (Shannon). */
export function entropy(text: string): number {
  const length = Math.min(text.length, judgedLength);
  const counts = new Uint16Array(128);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i) & 127;
    counts[code] = (counts[code] ?? 0) + 1;
  }
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / length) * Math.log2(count / length);
  return bits;
}

/** Words of stand-ins, and what templates and code put in their place; in small letters. */
const standIn =
  /example|placeholder|change.?(?:me|this)|your[-_. ]|xxxx|\*\*\*|\.\.\.|…|dummy|fake|sample|redacted|replace.?me|\$[{(]|#?\{\{|\}\}|#\{|%\(|process\.env|environ|getenv|secrets\.|env\.|vault:|import\.meta|0123456|1234567|7654321|abcdefg|qwerty|deadbeef/;
const standInPart =
  /(?:^|[-_.])(?:test|testing|mock|foo|bar|baz|todo|fixme|none|null|undefined|insert|here|xxx)(?:[-_.]|$)/;
/** The last one is what masking wrote: a text masked before has nothing to hide. */
const standInWhole =
  /^(?:your|\$\w|\$\$|%\w+%|<|\{\w*\}|@\w+@$|\[.*\]$|(..?)\1{3,}$|secret[a-z]*_\d+_[a-z])|(?:>|%[sdv])$/;
const sameSixTimes = /(.)\1{5}/;

/** Whether the value only marks where a secret would stand: `xxx`, `changeme`, `<token>`, `${TOKEN}`, `process.env.TOKEN`. */
export function isStandIn(value: string): boolean {
  const text = value.slice(0, judgedLength).toLowerCase();
  return standInWhole.test(text) || standIn.test(text) || standInPart.test(text) || sameSixTimes.test(text);
}

function charKind(code: number): number {
  if (code >= 48 && code <= 57) return 1;
  if (code >= 65 && code <= 90) return 2;
  return code >= 97 && code <= 122 ? 3 : 4;
}

/**
 * How often letters turn to digits or capitals from one character to the next, 0 to 1. Random base62 text is near 0.4,
 * `sha256OfTheFirstChunk` under 0.25. A capital before a small letter begins a word and does not count.
 */
function unrest(value: string): number {
  let changes = 0;
  let pairs = 0;
  let before = 4;
  for (let i = 0; i < value.length; i++) {
    const kind = charKind(value.charCodeAt(i));
    if (before !== 4 && kind !== 4) {
      pairs++;
      if (kind !== before && !(before === 2 && kind === 3)) changes++;
    }
    before = kind;
  }
  return pairs === 0 ? 0 : changes / pairs;
}

/** Whether the value looks drawn at random: letters and digits mixed as no identifier mixes them. */
export function looksRandom(value: string, minLength = 16): boolean {
  if (value.length < minLength) return false;
  let digits = 0;
  let letters = 0;
  for (let i = 0; i < value.length; i++) {
    const kind = charKind(value.charCodeAt(i));
    if (kind === 1) digits++;
    else if (kind !== 4) letters++;
  }
  if (digits < (value.length < 24 ? 2 : 1) || letters === 0 || unrest(value) < 0.24) return false;
  return entropy(value) >= (value.length < 24 ? 2.9 : 3.1) && !isStandIn(value);
}

/** Capitals and small letters with four consonants in a row, as words and names joined together seldom have them. */
function isUnpronounceable(letters: string): boolean {
  return letters.length >= 10 && /[a-z]/.test(letters) && /[A-Z]/.test(letters) && /[^aeiou]{4}/i.test(letters);
}

const commonWords =
  /^(?:my|the|super|new|old|db|user|some|a)*(?:secret|pass(?:word|wd|phrase)?|pwd|token|key|test(?:ing|er)?|admin|root|user|guest|foo|bar|foobar|hunter|abc|postgres|mysql|redis|rabbitmq|mongo|letmein|welcome|demo|local|dev|default|hello|world|value|string|required|hidden|invalid|wrong|correct)+$/i;

/** Whether a person could have chosen the value as a password: long enough, more than letters, no stand-in and no code. */
export function looksLikePassword(value: string): boolean {
  if (value.length < 6 || value.length > judgedLength || /\s/.test(value)) return false;
  const letters = value.replace(/[^A-Za-z]/g, "");
  const hasDigit = /\d/.test(value);
  if (letters === value && !isUnpronounceable(value)) return false;
  const hasSymbol = /[^\w.\-/:]/.test(value);
  if (!hasDigit && letters !== value && !/[!@#$%^&*~?+]/.test(value.slice(1))) return false;
  // `PasswordRequiredV2` and `libsecret-1` speak of one.
  if (!hasSymbol && (commonWords.test(letters) || /passw|secret|token|credential/i.test(letters))) return false;
  if (/^[~^>=<v]{0,2}\d+(?:\.\d+)+/.test(value)) return false;
  if (letters === "" && !(hasDigit && (hasSymbol || new Set(value).size > 3))) return false;
  if (letters !== value && !hasDigit && entropy(value) < 2.5) return false;
  return !isStandIn(value);
}
