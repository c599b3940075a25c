// What the stack consists of, said once: `up` makes it through the engine, and the Compose files are written from it.
import { createHash } from "node:crypto";

/** What the models compute on. */
export type Variant = "cpu" | "nvidia" | "amd" | "vulkan";

export interface StackChoice {
  /** Names the containers, network and volumes; `switchyard` unless a test says otherwise. */
  readonly name: string;
  readonly variant: Variant;
  /** Upper bound of the model server's memory. */
  readonly modelMemoryMiB: number;
  /** Ports asked for; where one is taken, the next free one is used. */
  readonly ports: Readonly<Record<ServiceName, number>>;
}

export type ServiceName = "ollama" | "redis";

/** One container, in the words of neither the engine nor Compose. */
export interface ServiceSpec {
  readonly name: ServiceName;
  readonly profile: "core";
  readonly image: string;
  readonly command?: readonly string[];
  readonly user?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Published on 127.0.0.1 alone. */
  readonly port: { readonly host: number; readonly container: number };
  readonly volume: { readonly name: string; readonly target: string };
  readonly health: {
    readonly test: readonly string[];
    readonly intervalSeconds: number;
    readonly timeoutSeconds: number;
    readonly retries: number;
    readonly startSeconds: number;
  };
  readonly memoryMiB: number;
  readonly isReadOnly: boolean;
  /** Folders in memory that it may write to. */
  readonly scratch: readonly string[];
  readonly devices: readonly string[];
  readonly usesNvidia: boolean;
}

export interface Stack {
  readonly name: string;
  readonly network: string;
  readonly services: readonly ServiceSpec[];
}

export const defaultChoice: StackChoice = {
  name: "switchyard",
  variant: "cpu",
  modelMemoryMiB: 8192,
  ports: { ollama: 11434, redis: 6379 },
};

/** Tags that name one version each, so that the same stack starts tomorrow. */
const images = {
  ollama: "ollama/ollama:0.31.1",
  ollamaAmd: "ollama/ollama:0.31.1-rocm",
  redis: "redis:7.4.8-alpine",
} as const;

const stackLabel = "dev.switchyard.stack";
const serviceLabel = "dev.switchyard.service";
const hashLabel = "dev.switchyard.config";
export const labels = { stack: stackLabel, service: serviceLabel, hash: hashLabel } as const;

/** Answers that a model makes at once, each with a context of its own. */
export const modelSlots = 4;

const redisMemoryMiB = 256;

export function describeStack(choice: StackChoice): Stack {
  return { name: choice.name, network: choice.name, services: [ollama(choice), redis(choice)] };
}

function ollama({ name, variant, modelMemoryMiB, ports }: StackChoice): ServiceSpec {
  const devices = { cpu: [], nvidia: [], amd: ["/dev/kfd", "/dev/dri"], vulkan: ["/dev/dri"] }[variant];
  return {
    name: "ollama",
    profile: "core",
    image: variant === "amd" ? images.ollamaAmd : images.ollama,
    environment: {
      OLLAMA_HOST: "0.0.0.0:11434",
      OLLAMA_KEEP_ALIVE: "10m",
      // The server keeps its models below its user's home, and nothing else may be written.
      OLLAMA_MODELS: "/root/.ollama/models",
      OLLAMA_NUM_PARALLEL: String(modelSlots),
      ...(variant === "vulkan" ? { OLLAMA_VULKAN: "1" } : {}),
    },
    port: { host: ports.ollama, container: 11434 },
    volume: { name: `${name}-models`, target: "/root/.ollama" },
    // The image has no curl; its own program asks the server.
    health: { test: ["CMD", "ollama", "list"], intervalSeconds: 5, timeoutSeconds: 10, retries: 6, startSeconds: 60 },
    memoryMiB: modelMemoryMiB,
    isReadOnly: true,
    scratch: ["/tmp"],
    devices,
    usesNvidia: variant === "nvidia",
  };
}

function redis({ name, ports }: StackChoice): ServiceSpec {
  return {
    name: "redis",
    profile: "core",
    image: images.redis,
    // It holds answers to be had again: the oldest go first, and a third of its memory is left for writing them down.
    command: [
      ...["redis-server", "--maxmemory", `${Math.floor((redisMemoryMiB * 2) / 3)}mb`],
      ...["--maxmemory-policy", "allkeys-lru", "--save", "60", "1", "--protected-mode", "no"],
    ],
    // The image's own account: without it the entry point wants rights to become that account.
    user: "999:1000",
    environment: {},
    port: { host: ports.redis, container: 6379 },
    volume: { name: `${name}-redis`, target: "/data" },
    health: { test: ["CMD", "redis-cli", "ping"], intervalSeconds: 5, timeoutSeconds: 5, retries: 5, startSeconds: 10 },
    memoryMiB: redisMemoryMiB,
    isReadOnly: true,
    scratch: ["/tmp"],
    devices: [],
    usesNvidia: false,
  };
}

export const containerName = (stack: Stack, service: ServiceSpec): string => `${stack.name}-${service.name}`;

/** Changes when the container has to be made anew. */
export function configHash(service: ServiceSpec): string {
  return createHash("sha256").update(JSON.stringify(service)).digest("hex").slice(0, 16);
}

/** By these our containers are known; others are never touched. */
export function labelsOf(stack: Stack, service: ServiceSpec): Readonly<Record<string, string>> {
  return { [stackLabel]: stack.name, [serviceLabel]: service.name, [hashLabel]: configHash(service) };
}
