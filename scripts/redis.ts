// A Redis of its own for tests and measurements: the one that is installed, else Debian's.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { run } from "./run.ts";

const startLimitMs = 10_000;

export function findRedis(): string | undefined {
  const given = process.env["SWITCHYARD_REDIS"];
  const inPath = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "redis-server"));
  return [...(given ? [given] : []), ...inPath].find((file) => existsSync(file));
}

/** Undefined where there is none and none can be installed: what needs it is skipped. */
export async function ensureRedis(): Promise<string | undefined> {
  const isDebianRoot = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (findRedis() === undefined && isDebianRoot) {
    console.log("Installing redis-server …");
    // Runlevel 1: installed, but not started as a service on its usual port.
    const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    await run("apt-get", ["update", "-qq"], { env, isQuiet: true });
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "redis-server"], { env, isQuiet: true });
  }
  const found = findRedis();
  if (!found) console.log("There is no redis-server here: what needs it is skipped.");
  return found;
}

/** A running server on the loopback interface that keeps nothing on the disk. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** It keeps its connections and answers nothing until it is thawed. */
  freeze(): void;
  thaw(): void;
  /** As a crash does it; resolves when it is gone. */
  kill(): Promise<void>;
}

/** @param args more of its own options, such as `--maxmemory` @throws Error when there is none, or it does not start */
export async function startRedis(args: readonly string[] = [], port?: number): Promise<RedisServer> {
  const program = findRedis();
  if (!program) throw new Error("Install Redis (Debian: apt-get install redis-server), then run this again.");
  const own = port ?? (await freePort());
  const options = ["--port", String(own), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const child = spawn(program, [...options, "--dir", tmpdir(), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  await untilReady(child);
  return {
    url: `redis://127.0.0.1:${own}`,
    port: own,
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    async kill() {
      process.off("exit", endWithUs);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function untilReady(child: ChildProcess): Promise<void> {
  let said = "";
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(`redis-server ${why}:\n${said}`));
    };
    const timer = setTimeout(() => fail("did not start in time"), startLimitMs);
    child.once("error", (error) => fail(error.message));
    child.once("exit", () => fail("ended"));
    // Read to its end, for a full pipe would stop it.
    child.stdout?.on("data", (piece: Buffer) => {
      if (said.length < 20_000) said += String(piece);
      if (!said.includes("Ready to accept connections")) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
