// What a connection leaves behind, seen from outside: a process that disposed of it has to end by itself.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureRedis, type RedisServer, startRedis } from "../../scripts/redis.ts";
import { answer } from "./sample-entries.ts";

const program = await ensureRedis().catch(() => undefined);

/** Uses the cache once it is told to; disposes of it at the end of its input. */
const user = `
import { once } from "node:events";
import { createRedisCache } from ${JSON.stringify(new URL("../../src/store/answer-cache-redis.ts", import.meta.url).href)};
const cache = createRedisCache({ url: process.argv[1], notice() {}, log() {} });
const key = "ab".repeat(32);
const isUsed = String(await once(process.stdin, "data")) === "use";
for (let turn = 0; isUsed && turn < 500 && !(await cache.get(key)); turn++) {
  await cache.put(key, ${JSON.stringify(answer("x"))});
  await new Promise((resolve) => setTimeout(resolve, 10));
}
process.stdout.write(isUsed && !(await cache.get(key)) ? "lost" : "ready");
const [next] = await once(process.stdin, "data");
if (String(next) === "ask") await cache.get(key);
cache.dispose();
process.stdin.destroy();
`;

describe.skipIf(!program)("a process that is done with its Redis ends by itself", () => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await startRedis(program ?? "");
  });
  afterEach(() => server.kill());

  async function millisecondsToEnd(first: "use" | "skip", then: "ask" | "end", between: () => unknown) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", user, server.url], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    try {
      child.stdin.write(first);
      expect(String(await once(child.stdout, "data"))).toBe("ready");
      await between();
      const startMs = performance.now();
      const ended = once(child, "exit");
      child.stdin.write(then);
      expect(await ended).toEqual([0, null]);
      return performance.now() - startMs;
    } finally {
      child.kill("SIGKILL");
    }
  }

  const states: readonly [string, "use" | "skip", "ask" | "end", () => unknown][] = [
    ["never used", "skip", "end", () => undefined],
    ["connected", "use", "end", () => undefined],
    ["frozen, and nobody has noticed", "use", "end", () => server.freeze()],
    ["frozen, and connecting again", "use", "ask", () => server.freeze()],
    ["killed, and connecting again", "use", "ask", () => server.kill()],
    ["frozen before it was asked at all", "skip", "ask", () => server.freeze()],
  ];
  it.each(states)("when it is %s", { retry: 1 }, async (_name, first, then, between) => {
    // What it takes on this machine where nothing is wrong.
    const usualMs = await millisecondsToEnd(first, then, () => undefined);
    expect(await millisecondsToEnd(first, then, between)).toBeLessThan(usualMs + 2000);
  });
});
