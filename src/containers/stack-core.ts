// The model server and the cache.
import type { ServiceSpec, StackChoice } from "./service-spec.ts";

/** Tags that name one version each, so that the same stack starts tomorrow. */
const images = { ollama: "ollama/ollama", redis: "redis:7.4.8-alpine" } as const;
export const ollamaTag = "0.31.1";

/** Answers that a model makes at once, each with a context of its own. */
export const modelSlots = 4;

const redisMemoryMiB = 256;
const models = "/root/.ollama";

/** @param number 1 is the first; the others are started when there is much to do, and have the same models */
export function ollama(choice: StackChoice, number: number): ServiceSpec {
  const { name, variant, modelMemoryMiB, ports, caFile, downloadProxy } = choice;
  const devices = { cpu: [], nvidia: [], amd: ["/dev/kfd", "/dev/dri"], vulkan: ["/dev/dri"] }[variant];
  const tag = choice.ollamaTag || ollamaTag;
  return {
    name: number === 1 ? "ollama" : `ollama-${number}`,
    // By the name of the first one who asks from inside finds them all.
    ...(number > 1 ? { alias: "ollama" } : {}),
    profile: "core",
    image: `${images.ollama}:${tag}${variant === "amd" ? "-rocm" : ""}`,
    environment: {
      OLLAMA_HOST: "0.0.0.0:11434",
      OLLAMA_KEEP_ALIVE: "10m",
      // The server keeps its models below its user's home, and nothing else may be written.
      OLLAMA_MODELS: `${models}/models`,
      OLLAMA_NUM_PARALLEL: String(modelSlots),
      // A server that starts would throw away what another one is fetching into the same folder.
      ...(number > 1 ? { OLLAMA_NOPRUNE: "1" } : {}),
      ...(variant === "vulkan" ? { OLLAMA_VULKAN: "1" } : {}),
      ...(downloadProxy ? { HTTPS_PROXY: insideAddress(downloadProxy), NO_PROXY: "localhost,127.0.0.1" } : {}),
      ...(caFile ? { SSL_CERT_FILE: `${models}/switchyard-ca.pem` } : {}),
    },
    port: { host: ports.ollama + number - 1, container: 11434 },
    volumes: [{ name: `${name}-models`, target: models }],
    files: caFile ? [{ target: `${models}/switchyard-ca.pem`, owner: 0, from: { kind: "host", path: caFile } }] : [],
    ...(downloadProxy ? { callsHost: true } : {}),
    // The image has no curl; its own program asks the server.
    health: { test: ["CMD", "ollama", "list"], intervalSeconds: 5, timeoutSeconds: 10, retries: 6, startSeconds: 60 },
    memoryMiB: modelMemoryMiB,
    isReadOnly: true,
    scratch: ["/tmp"],
    devices,
    usesNvidia: variant === "nvidia",
  };
}

/** A proxy of this machine has another name inside a container. */
function insideAddress(proxy: string): string {
  return proxy.replace(/(\/\/(?:[^/?#]*@)?)(localhost|127\.0\.0\.1|\[::1\])(?=[:/]|$)/, "$1host.docker.internal");
}

export function redis({ name, ports }: StackChoice): ServiceSpec {
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
    volumes: [{ name: `${name}-redis`, target: "/data" }],
    files: [],
    health: { test: ["CMD", "redis-cli", "ping"], intervalSeconds: 5, timeoutSeconds: 5, retries: 5, startSeconds: 10 },
    memoryMiB: redisMemoryMiB,
    isReadOnly: true,
    scratch: ["/tmp"],
    devices: [],
    usesNvidia: false,
  };
}
