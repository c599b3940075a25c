// Further model servers that the settings name: addresses, and what names stand for.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { withoutCredentials } from "../core/addresses.ts";
import type { NodeSetting } from "../core/settings.ts";
import { isLoopback, normalizeAddress, type Tried } from "./find-nodes.ts";
import { isLinkLocal } from "./link-local.ts";

/** One server to ask. */
export interface NodeAddress {
  readonly kind: "ollama" | "openai";
  /** Where it is asked, without a slash at the end. */
  readonly address: string;
  /** Host and port as the person wrote them: the rules of privacy go by these. */
  readonly host: string;
  /** Unique among servers, and shown: host and port, with the name that led there. */
  readonly label: string;
  readonly slots?: number;
  readonly keyEnv?: string;
}

export interface NodeAddressOptions {
  readonly isOffline: boolean;
  /** Every address of a name. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
}

/** Each address of a name that has several is a server of its own. What cannot be used is told in `tried`. */
export async function nodeAddresses(
  nodes: readonly NodeSetting[],
  options: NodeAddressOptions,
): Promise<{ readonly nodes: readonly NodeAddress[]; readonly tried: readonly Tried[] }> {
  const tried: Tried[] = [];
  const found = await Promise.all(nodes.map((node) => addressesOf(node, options, tried)));
  const unique = new Map(found.flat().map((node) => [node.address, node]));
  return { nodes: [...unique.values()], tried };
}

async function addressesOf(
  node: NodeSetting,
  { isOffline, resolve = resolveAll }: NodeAddressOptions,
  tried: Tried[],
): Promise<readonly NodeAddress[]> {
  const address = normalizeAddress(node.url);
  if (address === undefined) return [];
  if (isOffline && !isLoopback(address)) {
    tried.push({ address: withoutCredentials(address), outcome: "not asked: Offline is on" });
    return [];
  }
  const url = new URL(address);
  const { kind = "ollama", url: _, ...rest } = node;
  const own: NodeAddress = { ...rest, kind, address, host: url.host, label: url.host };
  // A certificate is for the name, not for what it stands for.
  if (isIP(url.hostname.replace(/^\[|\]$/g, "")) || isLoopback(address) || url.protocol === "https:") return [own];
  try {
    const all = await resolve(url.hostname);
    // Where clouds answer with their machines' secrets, no name of a model server leads.
    const allowed = all.filter((each) => !isLinkLocal(`http://${inUrl(each)}`));
    if (allowed.length < all.length)
      tried.push({ address: withoutCredentials(address), outcome: "leads to an address of the network itself" });
    if (allowed.length < 2) return allowed.length === all.length ? [own] : [];
    return allowed.map((ip) => at(own, ip));
  } catch {
    tried.push({ address: withoutCredentials(address), outcome: "name not found" });
    return [];
  }
}

function at(node: NodeAddress, ip: string): NodeAddress {
  const url = new URL(node.address);
  url.hostname = inUrl(ip);
  return { ...node, address: url.href.replace(/\/$/, ""), label: `${url.host} (${node.host})` };
}

/** Without the zone, which no URL can hold. */
const inUrl = (ip: string): string => (ip.includes(":") ? `[${ip.replace(/%.*$/, "")}]` : ip);

async function resolveAll(hostname: string): Promise<readonly string[]> {
  return (await lookup(hostname, { all: true })).map(({ address }) => address);
}
