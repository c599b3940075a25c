// Where the services were last ready, kept on disk: one that had to move to another port is found again by every window.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import type { Away } from "../core/models-away.ts";
import { replaceFile } from "../private-file.ts";
import { isModelServer, parseMiB } from "./plan.ts";
import { defaultChoice } from "./stack.ts";
import { modelSlots } from "./stack-core.ts";

const schema = z.record(z.string(), z.string());
const fileIn = (home: string) => join(home, "services.json");

/** Service to address, such as `http://127.0.0.1:11435`; empty where nothing was ever started. */
export function readPlaces(home: string): Readonly<Record<string, string>> {
  try {
    return schema.safeParse(JSON.parse(readFileSync(fileIn(home), "utf8"))).data ?? {};
  } catch {
    return {};
  }
}

/** So often the list is looked at, ms. */
const lookEveryMs = 500;

/** @returns whether services were started or stopped since it was last asked, by whichever window or shell */
export function watchPlaces(home: string): () => boolean {
  const look = () => {
    const found = statSync(fileIn(home), { throwIfNoEntry: false });
    return found ? `${found.ino} ${found.mtimeMs}` : "";
  };
  let seen = look();
  let lookedAtMs = performance.now();
  return () => {
    if (performance.now() - lookedAtMs < lookEveryMs) return false;
    lookedAtMs = performance.now();
    const before = seen;
    seen = look();
    return seen !== before;
  };
}

export async function keepPlace(home: string, service: string, address: string): Promise<void> {
  const before = readPlaces(home);
  const { [stoppedKey]: stopped, ...running } = before;
  // Models stay stopped where something else is started.
  const kept = isModelServer(service) ? running : before;
  if (before[service] === address && (kept === before || stopped === undefined)) return;
  await writePlaces(home, { ...kept, [service]: address });
}

/** In place of the model server that the person has stopped. */
const stoppedKey = "stopped";

/** What each model server was given, MiB: settings of the window that asks may say something else. */
const memoryKey = "memory";

export async function keepMemory(home: string, memoryMiB: number): Promise<void> {
  const places = readPlaces(home);
  if (places[memoryKey] !== String(memoryMiB)) await writePlaces(home, { ...places, [memoryKey]: String(memoryMiB) });
}

/** Whether a model server was stopped, or was started and does not answer. @param answering addresses that do */
export function awayOf(home: string, answering: (address: string) => boolean): Away | undefined {
  const places = readPlaces(home);
  if (places[stoppedKey] !== undefined) return "stopped";
  const ours = Object.entries(places).filter(([name]) => isModelServer(name));
  return ours.length > 0 && !ours.some(([, address]) => answering(address)) ? "silent" : undefined;
}

async function writePlaces(home: string, places: Readonly<Record<string, string>>): Promise<void> {
  await replaceFile(fileIn(home), JSON.stringify(places));
}

/** As they were before they were forgotten. @param places from `readPlaces` */
export const putPlacesBack = writePlaces;

/** It is used no more. */
export async function forgetPlace(home: string, service: string): Promise<void> {
  const { [service]: gone, ...others } = readPlaces(home);
  if (gone === undefined) return;
  const isLast = isModelServer(service) && !Object.keys(others).some(isModelServer);
  await writePlaces(home, isLast ? { ...others, [stoppedKey]: "" } : others);
}

/** @param areKept the containers stay, stopped */
export async function forgetPlaces(home: string, areKept: boolean): Promise<void> {
  const places = readPlaces(home);
  if (Object.keys(places).length === 0) return;
  const hasModels = stoppedKey in places || Object.keys(places).some(isModelServer);
  await writePlaces(home, areKept && hasModels ? { [stoppedKey]: "" } : {});
}

/** What the container of the model server gets, where the server of this name is it. @param server such as `Ollama at 127.0.0.1:11435` */
export function containerLimits(
  home: string,
  env: Readonly<Record<string, string | undefined>>,
  server: string,
): { readonly limitBytes: number; readonly parallel: number } | undefined {
  const places = readPlaces(home);
  const ours = Object.entries(places).filter(([name]) => isModelServer(name));
  if (!ours.some(([, address]) => server.endsWith(` ${new URL(address).host}`))) return undefined;
  const asked = parseMiB(env["MAX_MODEL_MEMORY"] ?? "") ?? defaultChoice.modelMemoryMiB;
  const limitMiB = Number(places[memoryKey]) || asked;
  return { limitBytes: limitMiB * 2 ** 20, parallel: modelSlots };
}
