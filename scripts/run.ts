// Starts programs for the other scripts: visibly, with a time limit, and never left behind.
import { type ChildProcess, spawn } from "node:child_process";

export const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const running = new Set<ChildProcess>();

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly limitMs?: number;
  /** Shows what the program says only when it fails. */
  readonly isQuiet?: boolean;
}

/** What is left of a program that was asked to end is killed after this. */
const graceMs = 5000;

/** Runs a program to its end in a process group of its own; resolves with its exit code, 124 when its time ran out. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<number> {
  const child = spawn(command, [...args], {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: options.isQuiet ? ["ignore", "ignore", "pipe"] : ["ignore", "inherit", "inherit"],
    detached: true,
  });
  running.add(child);
  let said = "";
  child.stderr?.on("data", (piece: Buffer) => {
    said = (said + String(piece)).slice(-4000);
  });
  let timedOut = false;
  const timer = setTimeout(
    () => {
      timedOut = true;
      console.error(`${command} ${args.slice(0, 3).join(" ")} did not end in time.`);
      endGroup(child);
      setTimeout(() => endGroup(child, "SIGKILL"), graceMs).unref();
    },
    options.limitMs ?? 10 * 60_000,
  );
  return new Promise((resolve) => {
    const done = (code: number) => {
      clearTimeout(timer);
      running.delete(child);
      if (code !== 0 && said) console.error(said);
      resolve(timedOut ? 124 : code);
    };
    child.once("error", (error) => {
      console.error(`${command}: ${error.message}`);
      done(127);
    });
    child.once("exit", (code) => done(code ?? 1));
  });
}

/** Ends a program and everything it started. */
export function endGroup(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Gone already.
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const child of running) endGroup(child);
    process.exit(130);
  });
}

/** @throws Error when the program fails */
export async function mustRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const code = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.slice(0, 4).join(" ")} ended with ${code}`);
}
