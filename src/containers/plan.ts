// What of the stack runs in containers here, and on what.
import { type Message, msg } from "../core/message.ts";
import type { LeftOut, ServiceProfile } from "../core/services.ts";
import type { ServiceName, ServiceSpec, Stack, StackChoice, Variant } from "./service-spec.ts";
import { defaultChoice, describeStack, profiles } from "./stack.ts";

/** What the engine and the machine say of themselves. */
export interface HostFacts {
  readonly platform: NodeJS.Platform;
  readonly engineMemoryBytes: number;
  /** Of it, free at this moment; undefined where that cannot be seen from here. */
  readonly freeMemoryBytes?: number;
  /** Names of the engine's runtimes, such as `nvidia`. */
  readonly runtimes: readonly string[];
  /** Where the engine keeps images and volumes, on its own machine. */
  readonly dataFolder: string;
  /** A Docker Desktop or a remote engine sees none of this machine's devices. */
  readonly sharesDevices: boolean;
  readonly exists: (path: string) => boolean;
}

export interface PlanOptions
  extends Pick<StackChoice, "replicas" | "ollamaTag" | "downloadProxy" | "caFile" | "proxyTag"> {
  readonly name?: string;
  /** Absent: models and cache alone. */
  readonly profile?: ServiceProfile;
  readonly ports?: Partial<Readonly<Record<ServiceName, number>>>;
  /** `MAX_MODEL_MEMORY`, such as `8G`; empty: the default. */
  readonly modelMemory: string;
  /** `SWITCHYARD_VARIANT`; empty: found out. */
  readonly variant: string;
  /** Address of an Ollama that is there already and no container of ours. */
  readonly nativeOllama?: string;
}

export interface Plan {
  readonly stack: Stack;
  readonly profile: ServiceProfile;
  readonly variant: Variant;
  readonly leftOut: readonly LeftOut[];
  readonly notices: readonly Message[];
  /** How many model servers of this size the engine's memory can hold. */
  readonly fittingServers: number;
  /** The engine has less memory than was asked for. */
  readonly isMemoryShort: boolean;
}

/** Of the engine's memory, for everything that is not a container of ours. */
const keptFreeShare = 0.2;
const mebibyte = 2 ** 20;

export function planStack(facts: HostFacts, options: PlanOptions): Plan {
  const { profile = "core", nativeOllama } = options;
  const choice = choiceOf(facts, options);
  const scope = scopeOf(facts, profile);
  const leftOut = [...whyNoModels(facts.platform, nativeOllama), ...whyNoProxy(facts, nativeOllama)].filter(
    ({ name }) => describeStack(choice).services.some((service) => service.name === name && isIn(service, scope)),
  );
  const isWanted = (service: ServiceSpec) =>
    isIn(service, scope) && !leftOut.some(({ name }) => service.name === name || service.name.startsWith(`${name}-`));
  const others = describeStack(choice).services.filter((each) => isWanted(each) && !isModelServer(each.name));
  const othersMiB = others.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  const wantedMiB = choice.modelMemoryMiB;
  const usableMiB = Math.floor((facts.engineMemoryBytes / mebibyte) * (1 - keptFreeShare)) - othersMiB;
  const modelMemoryMiB = Math.max(256, Math.min(wantedMiB, usableMiB));
  const fittingServers = Math.max(1, Math.floor(usableMiB / modelMemoryMiB));
  const whole = describeStack({ ...choice, modelMemoryMiB });
  const services = whole.services.filter(isWanted);
  const isMemoryShort = modelMemoryMiB < wantedMiB && services.some(({ name }) => name === "ollama");
  const notices = [
    ...(isMemoryShort ? [shortMemory(facts, modelMemoryMiB, wantedMiB, othersMiB)] : []),
    ...(scope !== profile && others.some(({ name }) => name === "local-llm-proxy") ? [whyProxyToo] : []),
    ...notUnderstood(options, choice),
  ];
  return {
    stack: { ...whole, services },
    profile,
    variant: choice.variant,
    leftOut,
    notices,
    fittingServers,
    isMemoryShort,
  };
}

/** What the person set in vain. */
function notUnderstood({ variant, modelMemory }: PlanOptions, choice: StackChoice): readonly Message[] {
  const isVariant = variant === "" || variantOf(variant) !== undefined;
  const isMemory = modelMemory === "" || parseMiB(modelMemory) !== undefined;
  return [
    ...(isVariant
      ? []
      : [
          msg(
            "SWITCHYARD_VARIANT is “{0}”, which is none of cpu, nvidia, amd, vulkan; {1} is used.",
            variant,
            choice.variant,
          ),
        ]),
    ...(isMemory
      ? []
      : [
          msg(
            "MAX_MODEL_MEMORY is “{0}”, which is no amount such as 8G; {1} MiB are taken.",
            modelMemory,
            choice.modelMemoryMiB,
          ),
        ]),
  ];
}

const whyProxyToo = msg(
  "The proxy is started as well: on Linux, Prometheus in a container cannot reach the service that runs outside of one.",
);

export const isModelServer = (service: string): boolean => /^ollama(-\d+)?$/.test(service);

function choiceOf(facts: HostFacts, options: PlanOptions): StackChoice {
  const { replicas, ollamaTag, downloadProxy, caFile, proxyTag, nativeOllama, profile = "core" } = options;
  const hasProxy = scopeOf(facts, profile) === "team";
  return {
    name: options.name ?? defaultChoice.name,
    variant: variantOf(options.variant) ?? findVariant(facts),
    modelMemoryMiB: parseMiB(options.modelMemory) ?? defaultChoice.modelMemoryMiB,
    ports: { ...defaultChoice.ports, ...options.ports },
    ...(replicas ? { replicas } : {}),
    ...(ollamaTag ? { ollamaTag } : {}),
    ...(downloadProxy ? { downloadProxy } : {}),
    ...(caFile ? { caFile } : {}),
    ...(proxyTag ? { proxyTag } : {}),
    ...(hasProxy ? {} : { scraped: "host.docker.internal:8000" }),
    ...(nativeOllama || facts.platform === "darwin" ? { ollamaUrl: "http://host.docker.internal:11434" } : {}),
  };
}

/** Containers of a plain Linux engine cannot reach what listens on this machine alone; those of a Desktop can. */
function scopeOf(facts: HostFacts, profile: ServiceProfile): ServiceProfile {
  return profile === "monitoring" && facts.sharesDevices ? "team" : profile;
}

const isIn = (service: ServiceSpec, scope: ServiceProfile) =>
  profiles.indexOf(service.profile) <= profiles.indexOf(scope);

/** With the arithmetic, so that a person can see what to change. */
function shortMemory(facts: HostFacts, givenMiB: number, wantedMiB: number, othersMiB: number): Message {
  return msg(
    "The Docker engine has little memory: models get {0} MiB instead of {1} MiB ({2} MiB of the engine × {3} − {4} MiB for the other containers).",
    givenMiB,
    wantedMiB,
    Math.floor(facts.engineMemoryBytes / mebibyte),
    1 - keptFreeShare,
    othersMiB,
  );
}

function whyNoModels(platform: NodeJS.Platform, nativeOllama: string | undefined): readonly LeftOut[] {
  if (nativeOllama) return [{ name: "ollama", why: msg("Ollama runs already at {0}; it is used.", nativeOllama) }];
  if (platform !== "darwin") return [];
  return [
    {
      name: "ollama",
      why: msg(
        "Containers on a Mac cannot use its graphics card. Install Ollama from ollama.com; it is found by itself.",
      ),
    },
  ];
}

function whyNoProxy(facts: HostFacts, nativeOllama: string | undefined): readonly LeftOut[] {
  if (!nativeOllama || !facts.sharesDevices) return [];
  const why = msg(
    "Ollama at {0} answers this machine alone, which a container on Linux is not. Use “switchyard serve” instead.",
    nativeOllama,
  );
  return [{ name: "local-llm-proxy", why }];
}

function variantOf(text: string): Variant | undefined {
  return (["cpu", "nvidia", "amd", "vulkan"] as const).find((each) => each === text);
}

/** Vulkan is never chosen by itself: on small built-in graphics it is slower than the processor. */
function findVariant(facts: HostFacts): Variant {
  if (facts.runtimes.includes("nvidia")) return "nvidia";
  if (facts.sharesDevices && facts.exists("/dev/kfd") && facts.exists("/dev/dri")) return "amd";
  return "cpu";
}

/** `8G`, `512m`, `8GiB`; a bare number is bytes, as Docker takes it. */
export function parseMiB(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const power = { "": 0, b: 0, k: 1, m: 2, g: 3, t: 4 }[(unit ?? "").toLowerCase()] ?? 0;
  const mebibytes = Math.floor((Number(number) * 1024 ** power) / mebibyte);
  return mebibytes > 0 ? mebibytes : undefined;
}
