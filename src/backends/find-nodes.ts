// Finds an Ollama server: localhost is not always where it listens (IPv6, containers, WSL).

import { readFile, stat } from "node:fs/promises";
import { isIPv4 } from "node:net";
import * as z from "zod/mini";
import { withoutCredentials } from "../core/addresses.ts";
import { parseJson } from "../core/parse-json.ts";
import { reasonOf } from "../core/reason-of.ts";
import { isAbort } from "../core/task-error.ts";
import { directFetch } from "./direct-fetch.ts";
import { isLinkLocal } from "./link-local.ts";

export interface Tried {
  readonly address: string;
  readonly outcome: string;
}

export interface FoundNode {
  readonly address: string;
  readonly version: string;
}

export interface NodeSearch {
  readonly node?: FoundNode;
  /** Every address tried, in order, and what came back. */
  readonly tried: readonly Tried[];
}

export interface NodeSearchOptions {
  /** `ollamaUrl` of the settings; tried first. */
  readonly configured: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch?: typeof fetch;
  readonly timeoutMs?: number;
  /** Ask nothing that is not on this machine, not even for the address of a name. */
  readonly isOffline?: boolean;
  /** Addresses that only exist inside containers and WSL; found out by `insideAddresses`. */
  readonly extraAddresses?: readonly string[];
}

const defaultPort = 11434;
const versionSchema = z.object({ version: z.string() });

/** Asks each address for its version, in order, until one answers as Ollama does. Throws only when aborted. */
export async function findNode(options: NodeSearchOptions, signal: AbortSignal): Promise<NodeSearch> {
  const tried: Tried[] = [];
  for (const address of await addressesToTry(options)) {
    const answer = await probe(address, options, signal);
    tried.push({ address: withoutCredentials(address), outcome: answer.outcome });
    if (answer.version !== undefined) return { node: { address, version: answer.version }, tried };
  }
  return { tried };
}

async function addressesToTry(options: NodeSearchOptions): Promise<readonly string[]> {
  const extra = options.isOffline ? [] : (options.extraAddresses ?? (await insideAddresses(options.env)));
  // What a person has written in the settings may be anywhere; what stands in the environment may be somebody else's.
  const mayBeAsked = (each: string) => !isLinkLocal(normalizeAddress(each) ?? "");
  const listed = [
    options.configured,
    `http://127.0.0.1:${defaultPort}`,
    `http://[::1]:${defaultPort}`,
    ...[options.env["OLLAMA_HOST"] ?? "", ...extra].filter(mayBeAsked),
  ];
  const addresses = listed.flatMap((each) => normalizeAddress(each) ?? []);
  return [...new Set(addresses)].filter((address) => !options.isOffline || isLoopback(address));
}

/**
 * `OLLAMA_HOST` may be a bare host, `:port`, or 0.0.0.0, which a server binds but nobody can call.
 * Undefined for an empty or unusable text.
 */
export function normalizeAddress(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const withHost = trimmed.startsWith(":") ? `127.0.0.1${trimmed}` : trimmed;
  const hasScheme = withHost.includes("://");
  const url = URL.parse(hasScheme ? withHost : `http://${withHost}`);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  if (!hasScheme && url.port === "" && !/:80$/.test(withHost)) url.port = String(defaultPort);
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.hostname === "[::]") url.hostname = "[::1]";
  return url.href.replace(/\/$/, "");
}

/** True for an address on this machine: what is sent there does not leave it. */
export function isLoopback(address: string): boolean {
  const host = URL.parse(address)?.hostname ?? "";
  return host === "localhost" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."));
}

async function probe(
  address: string,
  options: NodeSearchOptions,
  signal: AbortSignal,
): Promise<{ outcome: string; version?: string }> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 1_000);
  try {
    const init: RequestInit = { signal: AbortSignal.any([signal, timeout]), redirect: "error" };
    const response = await (options.fetch ?? directFetch)(`${address}/api/version`, init);
    const text = await response.text();
    const parsed = versionSchema.safeParse(parseJson(text));
    if (response.ok && parsed.success)
      return { outcome: `Ollama ${parsed.data.version}`, version: parsed.data.version };
    return { outcome: `HTTP ${response.status}, not Ollama` };
  } catch (error) {
    if (signal.aborted) throw isAbort(error) ? error : signal.reason;
    return { outcome: timeout.aborted ? "no answer in time" : outcomeOf(error) };
  }
}

/** `fetch failed` says nothing; the code beneath it does. */
function outcomeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  if (code === "ECONNREFUSED") return "connection refused";
  if (code === "ENOTFOUND") return "name not found";
  if (typeof code === "string") return code;
  return withoutCredentials(reasonOf(error));
}

/** From inside a container or WSL the host has other names. Elsewhere they are not asked for, so no name is looked up in vain. */
async function insideAddresses(env: Readonly<Record<string, string | undefined>>): Promise<readonly string[]> {
  if (process.platform !== "linux") return [];
  const exists = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );
  const inContainer = (await exists("/.dockerenv")) || (await exists("/run/.containerenv"));
  const inWsl = env["WSL_DISTRO_NAME"] !== undefined || (await exists("/proc/sys/fs/binfmt_misc/WSLInterop"));
  const gateway = inWsl ? await defaultGateway() : undefined;
  return [
    ...(inContainer || inWsl ? [`http://host.docker.internal:${defaultPort}`] : []),
    ...(gateway ? [`http://${gateway}:${defaultPort}`] : []),
  ];
}

/** IPv4 default gateway from the kernel's routing table, where addresses are hexadecimal with the lowest byte first. */
async function defaultGateway(): Promise<string | undefined> {
  const table = await readFile("/proc/net/route", "utf8").catch(() => "");
  const route = table.split("\n").find((line) => line.split("\t")[1] === "00000000");
  const bytes = route?.split("\t")[2]?.match(/../g);
  return bytes
    ?.reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join(".");
}
