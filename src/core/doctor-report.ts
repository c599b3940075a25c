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
const keptPaths = /^\/(?:var|etc|dev|usr|proc)\//;
const keptAddresses = /^(?:127\.|0\.0\.0\.0$)/;

export function redact(text: string, names: readonly string[]): string {
  let clean = text;
  for (const { start, end } of [...findSecrets(text)].sort((a, b) => b.start - a.start)) {
    clean = `${clean.slice(0, start)}[secret]${clean.slice(end)}`;
  }
  // The longest first: a home folder holds the account's name. Very short ones are in many words.
  for (const name of [...names].filter(({ length }) => length > 2).sort((a, b) => b.length - a.length)) {
    clean = clean.replaceAll(name, "[private]");
  }
  return clean
    .replace(/\/\/[^/\s@]+@/g, "//[secret]@")
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, (address) => (keptAddresses.test(address) ? address : "[address]"))
    .replace(/(?<![\w/])(?:\/(?!\/)[\w.@[\]+-]+){2,}/g, shortened)
    .replace(/(?<=[a-z]:\/\/)(?:\/[\w.@[\]+-]+){2,}/g, shortened)
    .replace(/\b[A-Z]:\\[^\s"']+/g, (path) => `…\\${path.split("\\").at(-1) ?? ""}`);
}

function shortened(path: string): string {
  return keptPaths.test(path) ? path : `…/${path.split("/").at(-1) ?? ""}`;
}
