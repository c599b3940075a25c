// Passwords inside addresses and command lines: `postgres://user:password@host`, `mysql -ppassword`, `curl -u user:password`.
import { msg } from "../message.ts";
import { isStandIn, looksLikePassword, looksRandom } from "./randomness.ts";
import { matchAt, type Rule, type Span } from "./rule.ts";

const userAndPassword = /:\/\/([^\s:/@"'`<>?#]{0,100}):([^\s"'`<>/?#]{3,200})(?=@[\w[(.$-])/y;
/** As an address stands inside another one. */
const escapedAddress = /%3a%2f%2f([\w.~-]{0,100})%3a((?:[\w.~!*-]|%(?!40|2f)[0-9a-f]{2}){3,200})(?=%40)/iy;
const oracle = /thin:[\w$]{1,60}\/([^\s@"'`/]{3,100})(?=@)/y;
const login = /login[ \t]{1,4}\S{1,100}\s{1,8}password[ \t]{1,4}(\S{4,200})/y;
const sshpass = /sshpass[ \t]{1,4}-p[ \t]{0,4}["']?([^\s"']{4,100})/y;
const mysql = /mysql(?:dump|admin|import)?(?:\.exe)?[ \t][^\n|;&]{0,120}?(?<=\s)-p["']?([^\s"'-][^\s"']{3,100})/y;
const basicUser = /(?<=[\s"'])(?:-u|--user)[ \t=]{1,4}["']?[\w.@{}-]{0,80}["']?:["']?([^\s"'`:]{4,100})/y;
const userHash = /:(\$(?:apr1|1|2[aby]|5|6|y|7|argon2id?)\$[\w./$,=+-]{20,200})/y;
const basicHeader = /basic[ \t]{1,4}([A-Za-z0-9+/]{12,400}={0,2})/iy;
const bearer = /bearer[ \t]{1,4}([\w.~+/-]{16,1000}={0,2})/iy;
const dockerAuth = /"auth"\s{0,8}:\s{0,8}"([A-Za-z0-9+/]{12,400}={0,2})(?=")/y;

/** Passwords people write into examples; in an address, unlike elsewhere, a plain word may be a real one. */
const exampleWords =
  /^(?:pass(?:word|wd|phrase)?|passw0rd|pwd|pw|pass|secret|p|xxx|user(?:name)?|guest|test|root|admin|postgres|mysql|redis|rabbitmq|mongo|example|token|key|auth|credentials?|port|host|string|[$%{<[].*)\d{0,3}$/i;

function isRealPassword(password: string, user: string): boolean {
  if (password === user || /^\d{1,5}$|^[\\(]/.test(password)) return false;
  return !exampleWords.test(password) && !isStandIn(password);
}

function inAddress(text: string, start: number): Span | undefined {
  const found = matchAt(userAndPassword, text, start, 2);
  if (!found) return undefined;
  const user = text.slice(start + "://".length, found.start - 1);
  return isRealPassword(found.value, user) ? found : undefined;
}

function inEscapedAddress(text: string, start: number): Span | undefined {
  const found = matchAt(escapedAddress, text, start, 2);
  return found && isRealPassword(found.value, text.slice(start + 9, found.start - 3)) ? found : undefined;
}

/** A pattern that begins with the keyword, and whose group has to look like a password. */
function withPassword(pattern: RegExp): Rule["find"] {
  return (text, start) => {
    const found = matchAt(pattern, text, start);
    return found && isRealPassword(found.value, "") && looksLikePassword(found.value) ? found : undefined;
  };
}

function findOracle(text: string, start: number): Span | undefined {
  const found = matchAt(oracle, text, start);
  return found && isRealPassword(found.value, "tiger") ? found : undefined;
}

/** Base64 that reads as `user:password`; words after “Basic” that only look like base64 do not. */
function withPair(pattern: RegExp): Rule["find"] {
  return (text, start) => {
    const found = matchAt(pattern, text, start);
    if (!found || found.value.replace(/=+$/, "").length % 4 === 1) return undefined;
    const pair = /^([\x20-\x7e]{1,200}?):([\x20-\x7e]{3,200})$/.exec(atob(found.value));
    return pair && isRealPassword(pair[2] ?? "", pair[1] ?? "") ? found : undefined;
  };
}

/** Of a line of users and passwords, as systems and web servers keep them. */
function findHash(text: string, start: number): Span | undefined {
  return /^[\w.@-]{1,64}$/.test(text.slice(text.lastIndexOf("\n", start) + 1, start).slice(-65))
    ? matchAt(userHash, text, start)
    : undefined;
}

function findBearer(text: string, start: number): Span | undefined {
  const found = matchAt(bearer, text, start);
  return found && looksRandom(found.value) ? found : undefined;
}

const inUrl = msg("Password in an address");
const password = msg("Password");
const authorization = msg("Sign-in data of a request");

export const connectionRules: readonly Rule[] = [
  { id: "url-password", label: inUrl, keywords: ["://"], find: inAddress },
  { id: "url-password", label: inUrl, keywords: ["%3a%2f%2f"], find: inEscapedAddress },
  { id: "password-hash", label: msg("Hash of a password"), keywords: [":$"], find: findHash },
  { id: "password", label: password, keywords: ["thin:"], find: findOracle },
  { id: "password", label: password, keywords: ["login"], find: withPassword(login) },
  { id: "password", label: password, keywords: ["sshpass"], find: withPassword(sshpass) },
  { id: "password", label: password, keywords: ["mysql"], find: withPassword(mysql) },
  { id: "password", label: password, keywords: ["-u", "--user"], find: withPassword(basicUser) },
  { id: "basic-auth", label: authorization, keywords: ["basic "], find: withPair(basicHeader) },
  { id: "bearer-token", label: authorization, keywords: ["bearer "], find: findBearer },
  { id: "basic-auth", label: authorization, keywords: ['"auth"'], find: withPair(dockerAuth) },
];
