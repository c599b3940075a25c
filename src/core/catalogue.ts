// Which models are wanted for what. The names are data, with a date; the roles are the design.
import catalogue from "./catalogue.json" with { type: "json" };
import { usualContextTokens } from "./context.ts";
import { type ModelShape, memoryNeed, usableBytes } from "./fit.ts";
import { isNamed } from "./is-named.ts";
import { type Role, roles } from "./role.ts";
import type { Settings } from "./settings.ts";

/** A model that could be fetched. */
export interface Offer {
  readonly name: string;
  readonly sizeBytes: number;
  readonly fits: boolean;
}

export interface CatalogueModel {
  readonly sizeBytes: number;
  readonly contextTokens: number;
  readonly shape?: ModelShape;
  /** Lowest version of Ollama that can run it. */
  readonly requires?: string;
}

const sizes: Readonly<Record<string, CatalogueModel>> = catalogue.models;

/** What is known of a model before it is fetched: from the catalogue, or its size by what its tag says. */
export function knownModel(name: string): Partial<CatalogueModel> | undefined {
  const listed = sizes[name] ?? sizes[name.replace(/:latest$/, "")];
  if (listed) return listed;
  const sizeBytes = sizeByTag(name);
  return sizeBytes === undefined ? undefined : { sizeBytes };
}

/** Whether there is such a model for certain, and its size is no guess. */
export const isListed = (name: string): boolean => name in sizes || name.replace(/:latest$/, "") in sizes;

/** `13b`, `70b-q8_0`, `8x7b`: parameters times what the quantisation takes for one. */
export function sizeByTag(name: string): number | undefined {
  const tag = name.split(":")[1]?.toLowerCase() ?? "";
  const [, experts = "1", count, unit] = /(?:^|[-_])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?:[-_]|$)/.exec(tag) ?? [];
  if (count === undefined) return undefined;
  const parameters = Number(experts) * Number(count) * (unit === "m" ? 1e6 : 1e9);
  const bits = /(?:^|[-_])(?:fp|f|bf)16/.test(tag) ? 16 : Number(/(?:^|[-_])i?q(\d)/.exec(tag)?.[1] ?? 4);
  // Besides the weights' own bits there are scales, and layers that stay finer.
  return (parameters * (bits === 16 ? 16 : bits + 0.8)) / 8;
}

/** Tags wanted for a role, best first; the small ones of the built-in engine come last. */
export function candidatesFor(role: Role, profile: Settings["modelProfile"]): readonly string[] {
  return [...catalogue.profiles[profile][role], ...catalogue.builtIn];
}

/** What a tag is wanted for; none of the small ones is wanted for anything but a first try. */
export function rolesOf(name: string, profile: Settings["modelProfile"]): readonly Role[] {
  return roles.filter((role) => catalogue.profiles[profile][role].some((tag) => isTag(name, tag)));
}

/** How long a model of a role stays loaded after an answer: as long as the next question of its kind is likely. */
export function keepAliveOf(role: Role): string {
  const times: Readonly<Record<Role, string>> = {
    code: "30m",
    general: "15m",
    chinese: "15m",
    translation: "10m",
    reasoning: "5m",
    vision: "5m",
  };
  return times[role];
}

/** Whether weights and context of one answer go into memory beside the rest of the machine. */
export function fitsMemory(
  { name, sizeBytes }: { readonly name: string; readonly sizeBytes: number },
  contextTokens: number,
  memoryBytes: number,
): boolean {
  const shape = knownModel(name)?.shape;
  const need = memoryNeed({ sizeBytes, contextTokens, parallel: 1, ...(shape ? { shape } : {}) });
  return need.totalBytes <= (usableBytes({ memoryBytes }) ?? 0);
}

/** What could be fetched: models that fit first, by how often the roles want them, then the rest. */
export function offersFor(memoryBytes: number, profile: Settings["modelProfile"]): readonly Offer[] {
  const wanted = new Set([...Object.values(catalogue.profiles[profile]).flat(), ...catalogue.builtIn]);
  const offers = [...wanted].flatMap((name) => {
    const sizeBytes = sizes[name]?.sizeBytes;
    if (sizeBytes === undefined) return [];
    return [{ name, sizeBytes, fits: fitsMemory({ name, sizeBytes }, usualContextTokens, memoryBytes) }];
  });
  const demand = (name: string) =>
    Object.values(catalogue.profiles[profile]).filter((tags) => tags.includes(name)).length;
  return offers.sort(
    (a, b) => Number(b.fits) - Number(a.fits) || demand(b.name) - demand(a.name) || b.sizeBytes - a.sizeBytes,
  );
}

/**
 * Whether an installed name is the wanted tag: `qwen2.5:7b` is also `qwen2.5:7b-instruct-q4_K_M`, and `x` is `x:latest`.
 * Other servers name models by their file or as hubs do: `Qwen/Qwen2.5-7B-Instruct`, `Llama-3.1-8B-Q4_K_M.gguf`.
 */
export function isTag(installed: string, wanted: string): boolean {
  const name = installed.toLowerCase();
  if (isNamed(name, wanted)) return true;
  if (!wanted.includes(":")) return false;
  if (name.startsWith(wanted)) return /^[-_]/.test(name.slice(wanted.length));
  return (name.includes("/") || !name.includes(":")) && asHubsWrite(wanted).test(name);
}

/** `llama3.1:8b` is `Meta-Llama-3.1-8B-…` there: marks between words and numbers, behind folders or an owner. */
function asHubsWrite(tag: string): RegExp {
  const written = tag
    .split(":")
    .map((part) => part.replaceAll(".", "\\.").replace(/(?<=[a-z])(?=\d)/, "[-_]?"))
    .join("[-_]");
  return new RegExp(`(?:^|/)(?:meta-)?${written}(?=[-_.:]|$)`);
}
