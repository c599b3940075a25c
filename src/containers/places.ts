// Where the services were last ready, kept on disk: one that had to move to another port is found again by every window.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
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

export async function keepPlace(home: string, service: string, address: string): Promise<void> {
  const places = readPlaces(home);
  if (places[service] === address) return;
  await writePlaces(home, { ...places, [service]: address });
}

async function writePlaces(home: string, places: Readonly<Record<string, string>>): Promise<void> {
  await replaceFile(fileIn(home), JSON.stringify(places));
}

/** It is used no more. */
export async function forgetPlace(home: string, service: string): Promise<void> {
  const { [service]: gone, ...others } = readPlaces(home);
  if (gone !== undefined) await writePlaces(home, others);
}

export async function forgetPlaces(home: string): Promise<void> {
  if (Object.keys(readPlaces(home)).length > 0) await writePlaces(home, {});
}

/** What the container of the model server gets, where the server of this name is it. @param server such as `Ollama at 127.0.0.1:11435` */
export function containerLimits(
  home: string,
  env: Readonly<Record<string, string | undefined>>,
  server: string,
): { readonly limitBytes: number; readonly parallel: number } | undefined {
  const ours = Object.entries(readPlaces(home)).filter(([name]) => isModelServer(name));
  if (!ours.some(([, address]) => server.endsWith(` ${new URL(address).host}`))) return undefined;
  const limitMiB = parseMiB(env["MAX_MODEL_MEMORY"] ?? "") ?? defaultChoice.modelMemoryMiB;
  return { limitBytes: limitMiB * 2 ** 20, parallel: modelSlots };
}
