// `switchyard serve` as processes of their own in one home, as windows and shells start them.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const main = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");

export interface Shell {
  readonly home: string;
  readonly token: () => Promise<string>;
  /** Runs to its end. */
  run(args: readonly string[], env?: object): Promise<{ code: number | null; out: string; err: string }>;
  /** Starts and leaves it running. */
  start(
    args: readonly string[],
    env?: object,
  ): { out: () => string; err: () => string; pid: number; ended: Promise<number | null>; stop: () => void };
  /** Port of what is published now. */
  port(): Promise<number>;
  close(): Promise<void>;
}

/** The command line as it is shipped, where it is built. */
export const builtEntry = join(import.meta.dirname, "..", "..", "dist", "cli.js");

export async function newShell(entry = main): Promise<Shell> {
  const home = await mkdtemp(join(tmpdir(), "switchyard-service-"));
  const running: ReturnType<Shell["start"]>[] = [];
  const shell: Shell = {
    home,
    token: async () => (await readFile(join(home, "proxy-token"), "utf8")).trim(),
    async run(args, env) {
      const started = shell.start(args, env);
      const code = await started.ended;
      return { code, out: started.out(), err: started.err() };
    },
    start(args, env = {}) {
      const child = spawn(process.execPath, [entry, ...args], {
        env: {
          PATH: process.env["PATH"],
          SWITCHYARD_HOME: home,
          SWITCHYARD_ENGINE: "ollama",
          SWITCHYARD_OLLAMA_URL: "http://127.0.0.1:9",
          ...env,
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let [out, err] = ["", ""];
      child.stdout.on("data", (piece) => {
        out += piece;
      });
      child.stderr.on("data", (piece) => {
        err += piece;
      });
      const started = {
        out: () => out,
        err: () => err,
        pid: child.pid ?? 0,
        ended: new Promise<number | null>((resolve) => child.on("close", resolve)),
        stop: () => void child.kill("SIGKILL"),
      };
      running.push(started);
      return started;
    },
    async port() {
      for (let tries = 0; ; tries++) {
        try {
          return JSON.parse(await readFile(join(home, "proxy.json"), "utf8")).port;
        } catch (error) {
          if (tries > 600) throw error;
          await sleep(50);
        }
      }
    },
    async close() {
      await shell.run(["serve", "--stop"]);
      for (const each of running) each.stop();
      await Promise.all(running.map((each) => each.ended));
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return shell;
}

export async function eventually<Value>(look: () => Promise<Value | undefined> | Value | undefined): Promise<Value> {
  for (let tries = 0; tries < 1200; tries++) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(25);
  }
  throw new Error(`did not come about: ${look}`);
}
