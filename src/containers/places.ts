// Where the services were last ready, kept on disk: one that had to move to another port is found again by every window.
import { readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";

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
  await mkdir(home, { recursive: true });
  const draft = `${fileIn(home)}.${process.pid}`;
  await writeFile(draft, JSON.stringify({ ...places, [service]: address }));
  await rename(draft, fileIn(home));
}
