// The command line as a process of its own: from its sources, or as it is built.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");
export const sourceEntry = join(root, "src", "cli", "main.ts");
export const builtEntry = join(root, "dist", "cli.js");

export interface CommandOptions {
  readonly entry?: string;
  readonly cwd?: string;
  /** All that is handed down, but for `PATH` and where Node keeps what it has compiled. */
  readonly env: Readonly<Record<string, string>>;
  /** What comes in at its standard input, which is a pipe then. */
  readonly input?: string;
  /** A program that starts it, with its arguments. */
  readonly through?: readonly string[];
}

export interface Command {
  readonly child: ChildProcess;
  out(): string;
  err(): string;
  /** Its exit code, `null` where a signal ended it; all of its output is there then. */
  readonly ended: Promise<number | null>;
}

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function startCommand(args: readonly string[], options: CommandOptions): Command {
  const { entry = sourceEntry, cwd, env, input, through = [] } = options;
  const [program = process.execPath, ...rest] = [...through, process.execPath, entry, ...args];
  const child = spawn(program, rest, {
    env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...env },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.stdin?.end(input);
  let [out, err] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (piece: string) => {
    out += piece;
  });
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
    err += piece;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, out: () => out, err: () => err, ended };
}

export async function resultOf({ ended, out, err }: Command): Promise<Result> {
  const code = await ended;
  return { code, out: out(), err: err() };
}

/** To its end. */
export const runCommand = (args: readonly string[], options: CommandOptions) => resultOf(startCommand(args, options));
