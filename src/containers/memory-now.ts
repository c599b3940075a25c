// Whether what is started now finds memory now: the plan goes by all that the engine has.
import { formatBytes } from "../core/format-bytes.ts";
import { type Message, msg } from "../core/message.ts";
import { isModelServer } from "./plan.ts";
import type { ServiceSpec } from "./service-spec.ts";

const mebibyte = 2 ** 20;
/** What a model server takes that has loaded nothing. */
const serverBytes = 256 * mebibyte;
/** Left, so that the machine can go on working. */
const sparedBytes = 512 * mebibyte;

/**
 * A limit is not taken before models are loaded: what may come to be too little is said, and started all the same.
 * @param freeBytes undefined: it cannot be seen from here
 */
export function scarceMemory(
  services: readonly ServiceSpec[],
  isRunning: (name: string) => boolean,
  freeBytes: number | undefined,
): Message | undefined {
  const started = services.filter(({ name }) => isModelServer(name) && !isRunning(name));
  const limitBytes = started.reduce((sum, { memoryMiB }) => sum + memoryMiB * mebibyte, 0);
  if (freeBytes === undefined || limitBytes <= freeBytes) return undefined;
  const terms = started.map(({ name, memoryMiB }) => `${name} ${formatBytes(memoryMiB * mebibyte)}`).join(" + ");
  return msg(
    "Models may take {0} ({1}), and {2} of memory are free at the moment: larger ones will not load, or the machine gets slow. Close what takes memory, or set MAX_MODEL_MEMORY lower.",
    formatBytes(limitBytes),
    terms,
    formatBytes(freeBytes),
  );
}

/** Why one more model server would not do good now. @param modelsBytes what it would load */
export function noMemoryFor(modelsBytes: number, freeBytes: number | undefined): Message | undefined {
  const neededBytes = modelsBytes + serverBytes + sparedBytes;
  if (freeBytes === undefined || neededBytes <= freeBytes) return undefined;
  return msg(
    "not at the moment: {0} for the models of the first one + {1} + {2} kept free = {3}, and {4} of memory are free",
    formatBytes(modelsBytes),
    formatBytes(serverBytes),
    formatBytes(sparedBytes),
    formatBytes(neededBytes),
    formatBytes(freeBytes),
  );
}
