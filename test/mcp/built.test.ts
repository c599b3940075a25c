// The built command line with the real engine and model, as an agent gets it.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallModel, testHome, testWeights } from "../../scripts/folders.ts";
import { installTinyModel } from "../../scripts/tiny-model.ts";
import { readRegistration } from "../../src/backends/embedded/registration.ts";
import { builtEntry } from "../harness/command-line.ts";
import { productHome } from "../harness/product-home.ts";
import type { TemporaryFolder } from "../harness/servers.ts";
import { newFolder, openSession, type Session, textOf } from "./session.ts";

let home: TemporaryFolder;
let folder: Awaited<ReturnType<typeof newFolder>>;
let session: Session | undefined;

beforeAll(async () => {
  if (testWeights() === "tiny") await installTinyModel(testHome(), smallModel);
  [home, folder] = await Promise.all([productHome(), newFolder()]);
  await writeFile(
    join(folder.path, "mean.js"),
    "export const mean = (xs) => xs.reduce((a, b) => a + b) / xs.length;\n",
  );
});
afterAll(async () => {
  await session?.close();
  const registration = await readRegistration(home.path);
  if (registration) process.kill(registration.pid);
  await Promise.all([home.remove(), folder.remove()]);
});

describe.skipIf(!existsSync(builtEntry))("the built command line", { timeout: 150_000 }, () => {
  it("lets an agent ask the model of the built-in engine about a file, and tells how far it is", async () => {
    const env = { SWITCHYARD_HOME: home.path, SWITCHYARD_ENGINE: "embedded" };
    session = await openSession({ entry: builtEntry, folder: folder.path, env, mode: "auto" });
    const heard: string[] = [];
    const result = await session.client.callTool(
      { name: "local_llm", arguments: { prompt: "Say in one sentence what this does.", paths: ["mean.js"] } },
      { timeout: 140_000, onprogress: ({ message }) => heard.push(message ?? "") },
    );
    expect(textOf(result)).toMatch(/^begin \S+\n.*\S/ms);
    expect(result.structuredContent).toMatchObject({ model: smallModel, truncated: false });
    expect(heard).toContain(`Asked ${smallModel}`);
    expect(session.faults).toEqual([]);
  });
});
