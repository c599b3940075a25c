// Several processes at once, and one that is killed while it writes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createSqliteCache } from "../../src/store/answer-cache-sqlite.ts";
import { listeningHost, temporaryFolder, until } from "./sample.ts";
import { answer } from "./sample-entries.ts";

/** Puts answers of different lengths, each written almost at once, and finds each again; says each that it found. */
const writer = `
import { createSqliteCache } from ${JSON.stringify(new URL("../../src/store/answer-cache-sqlite.ts", import.meta.url).href)};
const [file, name, count] = process.argv.slice(1);
const host = { nowMs: () => Date.now(), notice: console.error, log: console.error };
const cache = createSqliteCache({ ...host, file, writeAfterMs: 2 });
for (let index = 0; index < Number(count); index++) {
  const text = (name + index + " ").repeat(1 + (index % 50) * 20);
  await cache.put(name + index, { ...${JSON.stringify(answer(""))}, text });
  if ((await cache.get(name + index))?.text === text) process.stdout.write(name + index + "\\n");
}
await cache.dispose();
`;

function writing(file: string, name: string, count: number) {
  const args = ["--input-type=module", "-e", writer, file, name, String(count)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [said, complaints] = ["", ""];
  child.stdout.on("data", (piece: Buffer) => {
    said += String(piece);
  });
  child.stderr.on("data", (piece: Buffer) => {
    complaints += String(piece);
  });
  const ended = once(child, "close");
  return { child, ended, found: () => said.split("\n").slice(0, -1), complaints: () => complaints };
}

async function kept(
  file: string,
  keys: readonly string[],
): Promise<{ readonly lost: string[]; readonly torn: string[] }> {
  const cache = createSqliteCache({ ...listeningHost(), file });
  const [lost, torn]: [string[], string[]] = [[], []];
  for (const key of keys) {
    const found = await cache.get(key);
    if (!found) lost.push(key);
    else if (found.text.replaceAll(`${key} `, "") !== "") torn.push(key);
  }
  await cache.dispose();
  return { lost, torn };
}

it("answers are neither lost nor mixed up when two processes put and get at once", async () => {
  const file = join(temporaryFolder(), "answers.db");
  const both = ["x", "y"].map((name) => writing(file, name, 400));
  for (const each of both) {
    expect(await each.ended).toEqual([0, null]);
    // A cache does not wait long: where the disk stands still, one may be given up, and says so.
    const given = each
      .complaints()
      .split("\n")
      .filter((line) => line !== "");
    expect(given.filter((line) => !line.includes("locked"))).toEqual([]);
    expect(given.length).toBeLessThanOrEqual(5);
    expect(each.found().length).toBeGreaterThanOrEqual(400 - given.length);
  }
  expect(
    await kept(
      file,
      both.flatMap((each) => each.found()),
    ),
  ).toEqual({ lost: [], torn: [] });
});

it("answers that were put are there after their process was killed in the middle of writing", async () => {
  const file = join(temporaryFolder(), "answers.db");
  const known: string[] = [];
  for (const name of ["k", "l", "m", "n"]) {
    const { child, ended, found, complaints } = writing(file, name, 100_000);
    try {
      await until(() => found().length > 40);
      // Not always at the same point of a write.
      await sleep(known.length % 7);
    } finally {
      child.kill("SIGKILL");
    }
    await ended;
    known.push(...found());
    expect(complaints()).toBe("");
  }
  // More than a thousand are pruned: the newest of them have to be there.
  expect(await kept(file, known.slice(-900))).toEqual({ lost: [], torn: [] });
});
