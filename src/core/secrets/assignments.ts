// Values whose name says that they are secret: `DB_PASSWORD=…`, `"apiKey": "…"`, `<password>…</password>`, 密码是 ….
import { msg } from "../message.ts";
import { looksLikePassword, looksRandom } from "./randomness.ts";
import { matchAt, type Rule, type Span } from "./rule.ts";

type Strength = "password" | "secret" | "token" | "key";

/** What follows the word up to the value: rest of the name, quote, `=`, `:`, `=>`, `" value="`, “is”, 是 …. */
const separator = new RegExp(
  [
    "([\\w.-]{0,40})(?:\\\\?[\"'`])?[)\\]]?",
    "(?:(?::[ \\t]{0,4}(?:&?(?:'static )?[Ss]tr(?:ing)?)[ \\t]{0,4})?[ \\t]{0,20}(?::=|=>|={1,3}|:)[ \\t]{0,20}(?:\\r?\\n[ \\t]{1,40}(?=\\\\?[\"'`]))?",
    "|[ \\t]{0,4}[：是为][ \\t]{0,4}[:：]?[ \\t]{0,4}",
    "|(?<=[\"'])[ \\t]{0,3},[ \\t]{0,3}(?=[\"'])|>|[ \\t\\r\\n]{1,40}value[ \\t]{0,2}=[ \\t]{0,2}|[ \\t]{1,4}is:?[ \\t]{1,4}|[ \\t]{1,4}[Bb][Yy][ \\t]{1,4}(?=[\"'])",
    "|[ \\t]{1,4}(?=[\"']))()",
  ].join(""),
  "y",
);
const spaced = /([\w.-]{0,40})[ \t]{1,8}()/y;
const quoted = /[rRbBuUfFL@$]{0,2}(\\?["'`])((?:(?!\1)[^\s]){4,160})/y;
const bare = /([^\s"'`,;&<>(){}[\]|\\\u3000-\u9fff\uff00-\uffef]{4,160})/y;
const toLineEnd = /([^\s"'`]{4,160})/y;
/** What is left of a value that was too long to be read at once. */
const remainder = /([^\s"'`<>,;\\]{0,16384})/y;

/** A name that goes on like this is about a secret, and is none. */
const harmlessEnd =
  /(?:^|[-_.]|(?=[A-Z]))(?:file|path|dir|url|uri|endpoint|name|id|ids|length|len|size|ttl|expir\w*|expires?|type|header|field|regex|pattern|label|count|limit|max|min|hint|placeholder|title|text|message|msg|error|policy|rules?|input|help|prompt|strength|version|provider|class|usage|budget|index|position|offset|page|format|prefix|ref|arn|hash|digest|fingerprint|algorithm|alg|host|port|address|reset\w*|change\w*|confirmation|enabled|required|valid\w*|store|manager|service|factory|selector|env|var|variable)$/i;
const harmlessStart =
  /(?:page|next|prev|contin\w*|cursor|csrf|xsrf|cancel\w*|eos|bos|pad|unk|mask|sep|special|public|foreign|primary|partition|sort|cache|design|lexer|syntax|sync|stop|delta|change|resume|idempotency)[-_]?$/i;
/** Code rather than a value: a call, a path of names, a file. */
const codeLike =
  /^(?:[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)+|[.~]{0,2}\/[\w.-]+(?:\/[\w.-]+)*|[A-Z][A-Z_]+\d?|@\w+|[\w-]+:\/\/.*|[A-Za-z]:\\.*)$/;
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** As in the patterns above. */
const longestRead = 160;

interface Place {
  /** The name up to the word that makes it secret, and with it. */
  readonly name: string;
  readonly word: string;
  readonly rest: string;
  readonly isQuoted: boolean;
  /** `NAME=value` or `name: value` alone on a line, as settings are written, not code. */
  readonly isSetting: boolean;
}

const isInName = Uint8Array.from({ length: 128 }, (_, code) => (/[\w.-]/.test(String.fromCharCode(code)) ? 1 : 0));

function nameStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < 60 && isInName[text.charCodeAt(start - 1)] === 1) start--;
  return start;
}

/** `tokenizer` and `secretary` are other words; `tokens`, `TOKEN_2` and `passwordProd` are not. */
function goesOnAsOtherWord(rest: string, last: string): boolean {
  const next = /^s?([A-Za-z])/.exec(rest.replace(/^s$/i, ""))?.[1];
  if (next === undefined) return false;
  return next === next.toLowerCase() ? last === last.toLowerCase() : last === last.toUpperCase();
}

function isSecretValue(value: string, strength: Strength, place: Place): boolean {
  if (value.includes("://") || harmlessEnd.test(place.rest)) return false;
  if (strength !== "password" && harmlessStart.test(place.name)) return false;
  const isRandom = looksRandom(value, strength === "key" ? 20 : strength === "token" ? 16 : 12);
  if (codeLike.test(value) && !(isRandom && /\d/.test(value))) return false;
  // Where a key is asked for a UUID may be one; elsewhere it is the id of something.
  if (uuid.test(value))
    return strength === "secret" || strength === "password" || /(?:api[-_]?key|_authtoken)$/i.test(place.word);
  if (isRandom) return true;
  if (strength === "token" || strength === "key") return false;
  if (!looksLikePassword(value)) return false;
  if (/^\d+$/.test(value)) return strength === "password" && place.rest === "" && (place.isQuoted || place.isSetting);
  if (strength === "secret") return (place.isQuoted || place.isSetting) && value.length >= 10 && /\d/.test(value);
  return place.isQuoted || place.isSetting || /[!@#$%^&*~?+]/.test(value);
}

function findValue(
  text: string,
  at: number,
  place: Omit<Place, "isQuoted" | "isSetting">,
  before: string,
  assign: string,
) {
  const inQuotes = matchAt(quoted, text, at, 2);
  if (inQuotes && /\s/.test(text.charAt(inQuotes.end))) return undefined;
  if (inQuotes) return { ...inQuotes, place: { ...place, isQuoted: true, isSetting: false } };
  const isLineStart = /(?:^|[\r\n]|\\n)[ \t]*(?:(?:export|set|ENV|env|-e|-|\+|#)[ \t]+)?["']?$/.test(before);
  const isTight = assign.endsWith("=") || /^(?:ENV)? $/.test(assign);
  if (isTight && isLineStart && /^[A-Z][A-Z0-9_]*$/.test(place.name + place.rest)) {
    const all = matchAt(toLineEnd, text, at);
    if (all) return { ...all, place: { ...place, isQuoted: false, isSetting: true } };
  }
  const word = matchAt(bare, text, at);
  const stop = word ? text.charAt(word.end) : "";
  const isElement = /[^=]>$|^>$/.test(assign);
  if (!word || /[([{]/.test(stop) || (isElement && stop !== "<")) return undefined;
  const isSaid = /(?:is|[：是为])[ \t:：]*$/.test(assign);
  const isAlone = /^(?:[\r\n<&"'`\\]|$)/.test(stop) && !/[ \t]=[ \t]*$/.test(assign);
  const isPart = stop === ";" && !/[ \t]$/.test(assign) && assign.endsWith("=");
  return { ...word, place: { ...place, isQuoted: false, isSetting: isSaid || isAlone || isPart } };
}

function findAssigned(text: string, start: number, end: number, strength: Strength): Span | undefined {
  const from = nameStart(text, start);
  const before = text.slice(Math.max(0, from - 12), from);
  const mayBeSpaced = text.startsWith("--", from) || /(?:^|\n)[ \t]*ENV[ \t]+$/.test(before);
  const assign = matchAt(separator, text, end, 2) ?? (mayBeSpaced ? matchAt(spaced, text, end, 2) : undefined);
  if (!assign) return undefined;
  const between = text.slice(end, assign.start);
  const rest = /^[\w.-]*/.exec(between)?.[0] ?? "";
  if (goesOnAsOtherWord(rest, text.charAt(end - 1))) return undefined;
  const name = text.slice(from, start);
  const found = findValue(
    text,
    assign.start,
    { name, word: text.slice(from, end), rest },
    before,
    between.slice(rest.length),
  );
  // So long, and with more names in it: a query or a script. What is secret there has a name of its own.
  if (found && found.value.length === longestRead && /[=:]\w/.test(found.value)) return undefined;
  if (!found || !isSecretValue(found.value, strength, { ...found.place, name })) return undefined;
  if (found.value.length < longestRead) return { start: found.start, end: found.end };
  return { start: found.start, end: matchAt(remainder, text, found.end)?.end ?? found.end };
}

function rule(id: string, label: Rule["label"], strength: Strength, words: string): Rule {
  return {
    id,
    label,
    keywords: words.split(" "),
    skipsFound: true,
    find: (text, start, end) => findAssigned(text, start, end, strength),
  };
}

const named = msg("Secret value in a setting");

export const assignmentRules: readonly Rule[] = [
  rule(
    "password",
    msg("Password"),
    "password",
    "password passwd passwort pwd passphrase passcode 密码 口令 identified",
  ),
  rule("secret", named, "secret", "secret credential 密钥 秘钥 私钥 _pass db_pass auth_pass"),
  rule("token", named, "token", "token authorization authkey auth_key auth-key _auth _pat 令牌"),
  rule(
    "key",
    named,
    "key",
    "apikey api_key api-key accesskey access_key access-key privatekey private_key secretkey secret_key signingkey signing_key encryptionkey encryption_key encrypt_key masterkey master_key accountkey account_key sharedkey shared_key servicekey service_key subscription-key subscription_key licensekey license_key appkey app_key hmackey hmac_key jwt_key aes_key webhook_key deploy_key storage_key session_key _key sessionkey",
  ),
];
