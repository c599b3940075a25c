// What of the stack runs in containers here, and on what.
import { type Message, msg } from "../core/message.ts";
import type { LeftOut } from "../core/services.ts";
import { defaultChoice, describeStack, type ServiceName, type Stack, type Variant } from "./stack.ts";

/** What the engine and the machine say of themselves. */
export interface HostFacts {
  readonly platform: NodeJS.Platform;
  readonly engineMemoryBytes: number;
  /** Names of the engine's runtimes, such as `nvidia`. */
  readonly runtimes: readonly string[];
  /** Where the engine keeps images and volumes, on its own machine. */
  readonly dataFolder: string;
  /** A Docker Desktop or a remote engine sees none of this machine's devices. */
  readonly sharesDevices: boolean;
  readonly exists: (path: string) => boolean;
}

export interface PlanOptions {
  readonly name?: string;
  readonly ports?: Readonly<Record<ServiceName, number>>;
  /** `MAX_MODEL_MEMORY`, such as `8G`; empty: the default. */
  readonly modelMemory: string;
  /** `SWITCHYARD_VARIANT`; empty: found out. */
  readonly variant: string;
  /** Address of an Ollama that is there already and no container of ours. */
  readonly nativeOllama?: string;
}

export interface Plan {
  readonly stack: Stack;
  readonly variant: Variant;
  readonly leftOut: readonly LeftOut[];
  readonly notices: readonly Message[];
}

/** Of the engine's memory, for everything that is not a model. */
const keptFreeShare = 0.2;

export function planStack(facts: HostFacts, options: PlanOptions): Plan {
  const variant = variantOf(options.variant) ?? findVariant(facts);
  const wantedMiB = parseMiB(options.modelMemory) ?? defaultChoice.modelMemoryMiB;
  const usableMiB = Math.floor((facts.engineMemoryBytes / 2 ** 20) * (1 - keptFreeShare));
  const modelMemoryMiB = Math.max(256, Math.min(wantedMiB, usableMiB));
  const whole = describeStack({
    name: options.name ?? defaultChoice.name,
    variant,
    modelMemoryMiB,
    ports: options.ports ?? defaultChoice.ports,
  });
  const leftOut = whyNoModels(facts.platform, options.nativeOllama);
  const services = whole.services.filter((service) => !leftOut.some(({ name }) => name === service.name));
  const isShort = modelMemoryMiB < wantedMiB && services.some(({ name }) => name === "ollama");
  const notices = isShort
    ? [msg("The Docker engine has little memory: models get {0} MiB instead of {1} MiB.", modelMemoryMiB, wantedMiB)]
    : [];
  return { stack: { ...whole, services }, variant, leftOut, notices };
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
  const mebibytes = Math.floor((Number(number) * 1024 ** power) / 2 ** 20);
  return mebibytes > 0 ? mebibytes : undefined;
}
