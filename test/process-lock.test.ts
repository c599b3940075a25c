import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { readdir, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { isHeld, takeLock, tryLock } from "../src/process-lock.ts";
import { sourceOf, startNode } from "./harness/node-process.ts";

const { signal } = new AbortController();
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchyard-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("takes over the lock of a process that is dead, and waits for that of one that lives", async () => {
  const path = join(folder, "it.lock");
  await writeFile(path, "999999999");
  expect(await isHeld(path)).toBe(false);
  const release = await takeLock(path, signal);
  expect(await tryLock(path)).toBeUndefined();
  let hasSecond = false;
  const second = takeLock(path, signal).then((done) => {
    hasSecond = true;
    return done;
  });
  await sleep(200);
  expect(hasSecond).toBe(false);
  await release();
  await (await second)();
  expect(await readdir(folder)).toEqual([]);
});

/** Takes the lock, is alone for a moment, and ends: every other one without letting go of it. */
const program = `
  import { rm, writeFile } from "node:fs/promises";
  import { setTimeout as sleep } from "node:timers/promises";
  import { takeLock } from ${JSON.stringify(new URL("../src/process-lock.ts", import.meta.url).href)};
  const [path, alone, turn] = process.argv.slice(-3);
  const release = await takeLock(path, AbortSignal.timeout(60_000));
  await writeFile(alone, "", { flag: "wx" });
  await sleep(5);
  await rm(alone);
  if (turn % 2 === 0) await release();
`;

it("is held by one at a time, however many processes come and end", async () => {
  const path = join(folder, "it.lock");
  await writeFile(path, "999999999");
  const ended = Array.from({ length: 24 }, async (_, turn) => {
    const args = ["--no-warnings", "--input-type=module", "-e", program, path, join(folder, "alone"), String(turn)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (piece: Buffer) => {
      said += piece.toString();
    });
    const [code] = await once(child, "close");
    return code === 0 ? "" : said;
  });
  expect((await Promise.all(ended)).filter(Boolean)).toEqual([]);
  await (await takeLock(path, signal))();
  expect(await readdir(folder)).toEqual([]);
});

it.skipIf(process.platform !== "linux")("of a process whose id another one has by now is taken over", async () => {
  const path = join(folder, "it.lock");
  await writeFile(path, `${process.pid} 1`);
  expect(await isHeld(path)).toBe(false);
  const release = await tryLock(path);
  await release?.();
  expect(release).toBeDefined();
});

/** Is about to remove what a dead process left, and stands still there. */
const taker = `
  import { dropLeftover } from ${JSON.stringify(sourceOf("process-lock.ts"))};
  await dropLeftover(process.argv.at(-1), () => {
    console.log("about to");
    return new Promise((resolve) => setTimeout(resolve, 60_000));
  });
`;

it("is not taken over beside one that was about to, and sleeps: it would remove the new lock when it wakes", async () => {
  const path = join(folder, "it.lock");
  await writeFile(path, "999999999");
  const other = startNode(taker, path);
  try {
    expect(await other.line()).toBe("about to");
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${path}.takeover`, longAgo, longAgo);
    for (let look = 0; look < 3; look++) expect(await tryLock(path)).toBeUndefined();
  } finally {
    await other.kill();
  }
  await (await takeLock(path, signal))();
  expect(await readdir(folder)).toEqual([]);
});
