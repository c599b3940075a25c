// `switchyard serve` as processes of their own in one home, as windows and shells start them.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, type Result, resultOf, sourceEntry, startCommand } from "../harness/command-line.ts";

export interface Shell {
  readonly home: string;
  readonly token: () => Promise<string>;
  /** Runs to its end. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Result>;
  /** Starts and leaves it running. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Command;
  /** Port of what is published now. */
  port(): Promise<number>;
  close(): Promise<void>;
}

export async function newShell(entry = sourceEntry): Promise<Shell> {
  const home = await mkdtemp(join(tmpdir(), "switchyard-service-"));
  const running: Command[] = [];
  const shell: Shell = {
    home,
    token: async () => (await readFile(join(home, "proxy-token"), "utf8")).trim(),
    run: (args, env) => resultOf(shell.start(args, env)),
    start(args, env = {}) {
      const started = startCommand(args, {
        entry,
        env: {
          SWITCHYARD_HOME: home,
          SWITCHYARD_ENGINE: "ollama",
          SWITCHYARD_OLLAMA_URL: "http://127.0.0.1:9",
          ...env,
        },
      });
      running.push(started);
      return started;
    },
    async port() {
      for (let tries = 0; ; tries++) {
        try {
          return JSON.parse(await readFile(join(home, "proxy.json"), "utf8")).port;
        } catch (error) {
          if (tries > 2_000) throw error;
          await sleep(50);
        }
      }
    },
    async close() {
      await shell.run(["serve", "--stop"]);
      for (const { child } of running) child.kill("SIGKILL");
      await Promise.all(running.map((each) => each.ended));
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return shell;
}

/** A little less than a test may take: what did not come about is named. */
const limitMs = 110_000;

export async function eventually<Value>(look: () => Promise<Value | undefined> | Value | undefined): Promise<Value> {
  const endMs = performance.now() + limitMs;
  while (performance.now() < endMs) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(25);
  }
  throw new Error(`did not come about: ${look}`);
}
