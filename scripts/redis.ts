// A Redis for the tests and the measurements: the one that is installed, else Debian's. Started by us alone: on a free
// port of this machine, with nothing on the disk.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram, installPackages } from "./debian.ts";
import { freePort } from "./free-port.ts";

/** @throws Error with one line that names what to install */
export async function ensureRedis(): Promise<string> {
  if (!findProgram("redis-server")) await installPackages("redis-server");
  const found = findProgram("redis-server");
  if (!found) throw new Error("Install Redis (Debian: apt-get install redis-server), then run this again.");
  return found;
}

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Connections are still accepted, nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** At once, as a crash would. */
  kill(): Promise<void>;
}

/** @param options more of `redis-server`, such as `["--maxmemory", "3mb"]` */
export async function startRedis(
  program: string,
  options: readonly string[] = [],
  port?: number,
): Promise<RedisServer> {
  const onPort = port ?? (await freePort());
  const quiet = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--loglevel", "warning", "--dir", "/tmp"];
  const child = spawn(program, ["--port", String(onPort), ...quiet, ...options], { stdio: "ignore" });
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  await untilItAnswers(child, onPort);
  return {
    port: onPort,
    url: `redis://127.0.0.1:${onPort}`,
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    async kill() {
      process.off("exit", endWithUs);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

const startLimitMs = 30_000;

async function untilItAnswers(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + startLimitMs;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
    if (await answersPing(port)) return;
    await sleep(25);
  }
  throw new Error("redis-server does not answer");
}

function answersPing(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise<boolean>((resolve) => {
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (data) => resolve(String(data).startsWith("+PONG")));
  }).finally(() => socket.destroy());
}
