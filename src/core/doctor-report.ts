// What the doctor found, to be pasted into an issue: without names, paths, addresses and secrets of the person.
import { formatMessage } from "./message.ts";
import { findSecrets } from "./secrets/find.ts";
import type { DoctorFinding, Incident, ServicesStatus } from "./services.ts";

export interface ReportParts {
  readonly version: string;
  /** Such as `linux x64, Node 24.1.0`. */
  readonly system: string;
  readonly status: ServicesStatus;
  readonly findings: readonly DoctorFinding[];
  readonly incidents: readonly Incident[];
  /** Texts that name the person or the machine: account, home folder, host name. */
  readonly names: readonly string[];
}

/** Markdown, in English whatever language the person has: it is read by others. */
export function doctorReport({ version, system, status, findings, incidents, names }: ReportParts): string {
  const lines = [
    "### Switchyard doctor",
    "",
    `- Switchyard ${version}, ${system}`,
    ...(status.kind === "engine" ? [`- Engine ${status.version}, found by ${status.source}`] : ["- No engine answers"]),
    ...status.tried.map(({ source, address, outcome }) => `  - ${source}: ${address}: ${formatMessage(outcome)}`),
    ...(status.kind === "engine"
      ? [
          ...status.services.map(
            ({ name, image, state, exitCode }) =>
              `- ${name}: ${state}${exitCode === undefined ? "" : `, exit code ${exitCode}`}, ${image}`,
          ),
          ...status.leftOut.map(({ name, why }) => `- ${name}: no container: ${formatMessage(why)}`),
        ]
      : []),
    "",
    findings.length === 0 ? "Nothing is wrong." : `#### Found: ${findings.length}`,
    ...findings.flatMap(({ id, severity, what, evidence, repair }) => [
      `- **${id}** (${severity}): ${formatMessage(what)}`,
      ...evidence.map((each) => `  - ${formatMessage(each)}`),
      `  - Repair: ${formatMessage(repair)}`,
    ]),
    ...(incidents.length > 0 ? ["", "#### Healed before"] : []),
    ...incidents
      .slice(-10)
      .map(
        ({ service, what, done, attempt, helped, tookMs }) =>
          `- ${service}: ${what}, ${done}, attempt ${attempt}, ${helped ? `answered after ${tookMs} ms` : "did not help"}`,
      ),
    "",
  ];
  return redact(lines.join("\n"), names);
}

/** Of every machine alike: nobody is known by them. */
const keptPaths = /^\/(?:var|etc|dev|usr|proc|pipe)\//;
const keptAddresses = /^(?:127\.|0\.0\.0\.0$)/;
const keptHosts =
  /^(?:localhost|host\.docker\.internal|\[.*|(?:[\w-]+\.)*(?:docker\.io|docker\.com|ghcr\.io|quay\.io|ollama\.(?:com|ai)|huggingface\.co|github\.com))$/i;
/** Accounts and machines that many have. */
const keptNames = /^(?:root|user|node|admin|administrator|runner|ubuntu|vscode|codespace|docker|localhost)$/i;

export function redact(text: string, names: readonly string[]): string {
  let clean = text;
  for (const { start, end } of [...findSecrets(text)].sort((a, b) => b.start - a.start)) {
    clean = `${clean.slice(0, start)}[secret]${clean.slice(end)}`;
  }
  return withoutHosts(withoutPaths(withoutNames(clean.replace(/\/\/[^/\s@]+@/g, "//[secret]@"), names)));
}

/** In either case and with either slash, as some systems have them. Very short ones are in many words. */
function withoutNames(text: string, names: readonly string[]): string {
  const private_ = names.filter((name) => name.length > 2 && !keptNames.test(name));
  // The longest first: a home folder holds the account's name.
  const patterns = private_
    .sort((a, b) => b.length - a.length)
    .map((name) =>
      name
        .split(/[\\/]+/)
        .map(escaped)
        .join("[\\\\/]+"),
    );
  return patterns.reduce((clean, pattern) => clean.replace(new RegExp(pattern, "giu"), "[private]"), text);
}

const escaped = (text: string) => text.replace(/[$()*+.?[\]^{|}]/g, "\\$&");

/** Whoever a folder of a person's belongs to; what lies between the beginning of a path and its last part. */
function withoutPaths(text: string): string {
  return text
    .replace(/([\\/](?:Users|home|Documents and Settings)[\\/]+)[^\\/\r\n"'<>|:*?]{1,64}(?=[\\/])/gi, "$1[private]")
    .replace(/([\\/](?:Users|home|Documents and Settings)[\\/]+)[^\\/\s"'<>|:*?,;)]+/gi, "$1[private]")
    .replace(/\b[A-Z]:\\+(?:[^\\\r\n"<>|:*?]+\\+)*[^\s\\"'<>|:*?,;)]*/gi, shortened)
    .replace(/(?<![\w/])[A-Z]:\/+(?:[^/\\\r\n"'<>|:*?,;]+\/+)*[^\s\\/"'<>|:*?,;)]*/gi, shortened)
    .replace(/\\\\(?![.?]\\pipe)(?:[^\\\r\n"<>|:*?]+\\+)+[^\s\\"'<>|:*?,;)]*/gi, shortened)
    .replace(/(?<![\p{L}\p{N}_/])(?:\/(?!\/)[\p{L}\p{N}_.@[\]+~%-]+){2,}/gu, shortened)
    .replace(/(?<=[a-z]:\/\/)(?:\/[\p{L}\p{N}_.@[\]+~%-]+){2,}/gu, shortened);
}

function withoutHosts(text: string): string {
  return text
    .replace(/(?<=[a-z]:\/\/(?:\[secret\]@)?)[\p{L}\p{N}_.-]+(?=[:/\s]|$)/gu, (host) =>
      keptHosts.test(host) || /^[\d.]+$/.test(host) ? host : "[address]",
    )
    .replace(/(?<![\w:.])[0-9a-f:]*:[0-9a-f:.]*:[0-9a-f:.]*(?:%[\w.-]+)?/gi, withoutIpv6)
    .replace(/\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b/gi, "[address]")
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, (address) => (keptAddresses.test(address) ? address : "[address]"));
}

/** What has colons may be a time; `::` and `::1` are the same on every machine. */
function withoutIpv6(found: string): string {
  const address = found.replace(/[.:]$/, (end) => (found.endsWith("::") ? end : ""));
  const isAddress = address.includes("::") || address.split(":").length === 8;
  if (!isAddress || /^::1?$/.test(address)) return found;
  return `[address]${found.slice(address.length)}`;
}

function shortened(path: string): string {
  if (keptPaths.test(path)) return path;
  const slash = path.includes("\\") ? "\\" : "/";
  return `…${slash}${path.split(/[\\/]/).at(-1) ?? ""}`;
}
