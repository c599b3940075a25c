// How much room a model would have on this machine: memory, graphics memory, disk.
import { execFile } from "node:child_process";
import { readdir, readFile, statfs } from "node:fs/promises";
import { freemem, homedir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Backend } from "../core/backend.ts";
import type { Room } from "../core/fit.ts";

const run = promisify(execFile);
const askLimitMs = 3_000;

/** @param folder where the models lie, or will lie */
async function roomHere(folder: string, usesGraphics: boolean): Promise<Room> {
  const [vramBytes, diskFreeBytes] = await Promise.all([usesGraphics ? graphicsMemory() : 0, freeBelow(folder)]);
  return {
    memoryBytes: totalmem(),
    ...(vramBytes > 0 ? { vramBytes } : {}),
    ...(diskFreeBytes === undefined ? {} : { diskFreeBytes }),
  };
}

/** Of all cards together, bytes; 0 where none is found. A Mac's card uses the machine's memory. */
export async function graphicsMemory(program = "nvidia-smi", devices = "/sys/class/drm"): Promise<number> {
  const query = ["--query-gpu=memory.total", "--format=csv,noheader,nounits"];
  const said = await run(program, query, { timeout: askLimitMs }).catch(() => undefined);
  const mebibytes = (said?.stdout ?? "")
    .split("\n")
    .map(Number)
    .filter((each) => each > 0);
  if (mebibytes.length > 0) return mebibytes.reduce((sum, each) => sum + each, 0) * 2 ** 20;
  const cards = (await readdir(devices).catch(() => [])).filter((name) => /^card\d+$/.test(name));
  const sizes = await Promise.all(
    cards.map((name) => readFile(join(devices, name, "device/mem_info_vram_total"), "utf8").then(Number, () => 0)),
  );
  return sizes.filter((each) => each > 0).reduce((sum, each) => sum + each, 0);
}

/** A folder that is not made yet will be on the disk of the one that it will be in. */
async function freeBelow(folder: string): Promise<number | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const disk = await statfs(at).catch(() => undefined);
    if (disk) return disk.bavail * disk.bsize;
    if (at === dirname(at)) return undefined;
  }
}

/** Undefined on a Mac, which tells little of what it would give back. */
export function freeMemory(platform: NodeJS.Platform = process.platform): number | undefined {
  return platform === "darwin" ? undefined : freemem();
}

export interface RoomParts {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Name of the built-in engine: it computes on the processor, one answer at a time. */
  readonly embedded: string;
  readonly versionOf: (backend: Backend, signal: AbortSignal) => Promise<string | undefined>;
  /** Where it is a container of ours: what it is limited to, and how many answers it makes at once. */
  readonly containerOf: (backend: Backend) => { readonly limitBytes: number; readonly parallel: number } | undefined;
}

export function createRooms({ home, env, embedded, versionOf, containerOf }: RoomParts) {
  return async (backend: Backend, signal: AbortSignal): Promise<{ readonly room: Room; readonly parallel: number }> => {
    const freeBytes = freeMemory();
    const free = freeBytes === undefined ? {} : { freeBytes };
    if (backend.name === embedded)
      return { room: { ...(await roomHere(join(home, "models"), false)), ...free }, parallel: 1 };
    const version = await versionOf(backend, signal);
    const known = version ? { version } : {};
    if (backend.place !== "this-machine") return { room: known, parallel: 1 };
    const container = containerOf(backend);
    const native = env["OLLAMA_MODELS"] || join(env["HOME"] ?? env["USERPROFILE"] ?? homedir(), ".ollama", "models");
    // Elsewhere containers have a machine of their own.
    const shares = !container || process.platform === "linux";
    const room = { ...(await roomHere(container ? dockerFolder : native, true)), ...known, ...(shares ? free : {}) };
    if (!container) return { room, parallel: Number(env["OLLAMA_NUM_PARALLEL"]) || 1 };
    return { room: { ...room, limitBytes: container.limitBytes }, parallel: container.parallel };
  };
}

/** Where engines on Linux keep volumes; elsewhere its disk is this machine's as well. */
const dockerFolder = "/var/lib/docker/volumes";
