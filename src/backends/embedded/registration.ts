// The file by which windows and shells find the one engine of this machine.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";

/** Of the protocol between engine and launcher; raised when an old engine must not be used any more. */
export const engineVersion = "0.1.0";

const schema = z.object({ pid: z.number(), port: z.number(), instance: z.string(), version: z.string() });
export type Registration = z.infer<typeof schema>;

export const registrationPath = (home: string) => join(home, "engine.json");
export const ownSourcesPath = (home: string) => join(home, "weight-sources.json");

export async function readRegistration(home: string): Promise<Registration | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(registrationPath(home), "utf8"))).data;
  } catch {
    return undefined;
  }
}
