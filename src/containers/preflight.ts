// Whether the disk of the engine has room for what is about to be fetched, before the first byte.
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { formatBytes } from "../core/format-bytes.ts";
import { type Message, msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import type { HostFacts } from "./plan.ts";

/** What the images take when they are unpacked, bytes; of the versions that are asked for. */
const unpackedBytes: readonly (readonly [name: RegExp, bytes: number])[] = [
  [/^ollama\/ollama:.*-rocm$/, 9e9],
  [/^ollama\/ollama:/, 5e9],
  [/^redis:/, 50e6],
  [/^prom\/prometheus:/, 350e6],
  [/^grafana\/grafana:/, 900e6],
  [/^node:/, 180e6],
  [/^switchyard\//, 20e6],
];
/** While a layer is unpacked its archive is there as well. */
const whileUnpacking = 1.4;
/** Left free, so that the machine can go on working. */
const sparedBytes = 500e6;

/** Undefined where the engine has a disk of its own, which cannot be seen from here. */
export async function engineDiskFree({ dataFolder, sharesDevices }: HostFacts): Promise<number | undefined> {
  if (!sharesDevices || !existsSync(dataFolder)) return undefined;
  const { bavail, bsize } = await statfs(dataFolder);
  return bavail * bsize;
}

/**
 * What is to be told about the images that have to be fetched.
 * @throws TaskError `storage`, with the arithmetic, where they do not fit
 */
export async function checkRoom(facts: HostFacts, missing: readonly string[]): Promise<Message | undefined> {
  const freeBytes = await engineDiskFree(facts);
  const sizes = missing.map((image) => unpackedBytes.find(([name]) => name.test(image))?.[1] ?? 0);
  const neededBytes = sizes.reduce((sum, bytes) => sum + bytes, 0) * whileUnpacking + sparedBytes;
  if (freeBytes === undefined || missing.length === 0) return undefined;
  const terms = missing.map((image, index) => `${image} ${formatBytes(sizes[index] ?? 0)}`).join(" + ");
  const numbers = [`(${terms}) × ${whileUnpacking} + ${formatBytes(sparedBytes)}`, formatBytes(neededBytes)] as const;
  if (freeBytes >= neededBytes) {
    return msg("Room for images: {0} = {1}; {2} has {3} free.", ...numbers, facts.dataFolder, formatBytes(freeBytes));
  }
  throw new TaskError(
    "storage",
    msg(
      "The images do not fit: {0} = {1}, and {2} has {3} free. Nothing was fetched. Make room (docker image prune), then start again.",
      ...numbers,
      facts.dataFolder,
      formatBytes(freeBytes),
    ),
  );
}
