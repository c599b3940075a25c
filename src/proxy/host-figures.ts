// How busy the machine is, and its graphics cards: NVIDIA's by their own program, others by what Linux says of them.
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { cpus, freemem, totalmem } from "node:os";
import { join } from "node:path";

/** A graphics card; what cannot be read is absent. */
export interface Card {
  readonly name: string;
  readonly celsius?: number;
  readonly usedRatio?: number;
  readonly usedBytes?: number;
  readonly totalBytes?: number;
}

export interface HostReader {
  /** Share of all processors in use since the last call, 0 to 1. */
  cpu(): number;
  memory(): number;
  cards(): Promise<readonly Card[]>;
}

export interface HostParts {
  readonly nowMs: () => number;
  /** Where Linux lists graphics cards. */
  readonly cardsFolder: string;
  readonly nvidiaProgram: string;
}

/** Several figures are read from one look. */
const freshMs = 1_000;
/** A card whose driver hangs must not hold up the rest. */
const nvidiaLimitMs = 2_000;
const mebibyte = 1024 * 1024;

export const thisHost: HostParts = {
  nowMs: () => performance.now(),
  cardsFolder: "/sys/class/drm",
  nvidiaProgram: "nvidia-smi",
};

export function createHostReader({ nowMs, cardsFolder, nvidiaProgram }: HostParts): HostReader {
  const read = () => {
    let [busy, all] = [0, 0];
    for (const { times } of cpus()) {
      const sum = times.user + times.nice + times.sys + times.idle + times.irq;
      all += sum;
      busy += sum - times.idle;
    }
    return { busy, all };
  };
  let last = read();
  let share = 0;
  let looked: { readonly atMs: number; readonly cards: Promise<readonly Card[]> } | undefined;
  return {
    cpu() {
      const now = read();
      if (now.all > last.all) share = (now.busy - last.busy) / (now.all - last.all);
      last = now;
      return share;
    },
    memory: () => 1 - freemem() / totalmem(),
    cards() {
      if (!looked || nowMs() - looked.atMs > freshMs) {
        looked = { atMs: nowMs(), cards: lookAtCards(cardsFolder, nvidiaProgram) };
      }
      return looked.cards;
    },
  };
}

async function lookAtCards(folder: string, program: string): Promise<readonly Card[]> {
  const found = await Promise.all([nvidiaCards(program), linuxCards(folder)]);
  return found.flat();
}

const nvidiaFields = ["index", "temperature.gpu", "utilization.gpu", "memory.used", "memory.total"];

function nvidiaCards(program: string): Promise<readonly Card[]> {
  const args = [`--query-gpu=${nvidiaFields.join(",")}`, "--format=csv,noheader,nounits"];
  return new Promise((resolve) => {
    execFile(program, args, { timeout: nvidiaLimitMs, windowsHide: true }, (error, text) => {
      resolve(error ? [] : text.trim().split("\n").map(nvidiaCard));
    });
  });
}

function nvidiaCard(line: string): Card {
  const [index = "", celsius, used, usedMiB, totalMiB] = line.split(",").map((field) => field.trim());
  return card(`nvidia${index}`, {
    celsius: number(celsius),
    usedRatio: divided(number(used), 100),
    usedBytes: bytes(usedMiB),
    totalBytes: bytes(totalMiB),
  });
}

/** Cards whose driver puts its figures where Linux keeps them, as AMD's does; NVIDIA's does not. */
async function linuxCards(folder: string): Promise<readonly Card[]> {
  const names = await readdir(folder).catch(() => []);
  const cards = await Promise.all(
    names.filter((name) => /^card\d+$/.test(name)).map((name) => linuxCard(folder, name)),
  );
  return cards.filter((each) => Object.keys(each).length > 1);
}

async function linuxCard(folder: string, name: string): Promise<Card> {
  const device = join(folder, name, "device");
  const [sensor] = await readdir(join(device, "hwmon")).catch(() => []);
  const read = async (...path: readonly string[]) =>
    number(await readFile(join(device, ...path), "utf8").catch(() => undefined));
  const [millidegrees, percent, usedBytes, totalBytes] = await Promise.all([
    sensor === undefined ? undefined : read("hwmon", sensor, "temp1_input"),
    read("gpu_busy_percent"),
    read("mem_info_vram_used"),
    read("mem_info_vram_total"),
  ]);
  return card(name, {
    celsius: divided(millidegrees, 1000),
    usedRatio: divided(percent, 100),
    usedBytes,
    totalBytes,
  });
}

type Figures = { readonly [Key in Exclude<keyof Card, "name">]: number | undefined };

function card(name: string, { celsius, usedRatio, usedBytes, totalBytes }: Figures): Card {
  return {
    name,
    ...(celsius === undefined ? {} : { celsius }),
    ...(usedRatio === undefined ? {} : { usedRatio }),
    ...(usedBytes === undefined ? {} : { usedBytes }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
  };
}

/** Cards say `[N/A]` of what they do not measure. */
function number(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function bytes(mebibytes: string | undefined): number | undefined {
  const value = number(mebibytes);
  return value === undefined ? undefined : value * mebibyte;
}

const divided = (value: number | undefined, by: number) => (value === undefined ? undefined : value / by);
