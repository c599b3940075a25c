// Starts what is measured, each on the core it is given, and reads what it costs.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../debian.ts";
import type { Job, Told } from "./client.ts";

const here = import.meta.dirname;

export interface Program {
  readonly port: number;
  readonly child: ChildProcess;
  /** From the start of the process to its first word, ms. */
  readonly readyMs: number;
}

/** `taskset` where Linux has it: without, figures of two runs are not comparable. */
function onCore(
  core: number,
  args: readonly string[],
  command = process.execPath,
): readonly [string, readonly string[]] {
  const taskset = findProgram("taskset");
  return taskset ? [taskset, ["-c", String(core), command, ...args]] : [command, args];
}

/** Starts a program that prints its port, or that is known to listen at one. */
export async function startProgram(
  core: number,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  known?: { readonly port: number; readonly command?: string },
): Promise<Program> {
  const startMs = performance.now();
  const [command, all] = onCore(core, args, known?.command);
  const child = spawn(command, all, {
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], NODE_ENV: "production", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  let said = "";
  child.stderr?.on("data", (piece) => {
    said = (said + String(piece)).slice(-2000);
  });
  const port = known ? await listening(child, known.port) : await printed(child, () => said);
  child.stdout?.resume();
  return { port, child, readyMs: performance.now() - startMs };
}

function printed(child: ChildProcess, said: () => string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${said()}`)));
    child.stdout?.on("data", (piece) => {
      const port = Number(/(\d+)\s*$/m.exec(String(piece))?.[1]);
      if (port > 0) resolve(port);
    });
  });
}

async function listening(child: ChildProcess, port: number): Promise<number> {
  const endMs = performance.now() + 30_000;
  while (child.exitCode === null && performance.now() < endMs) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    await answer?.text();
    if (answer) return port;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`nothing listens at ${port}`);
}

export const startTool = (core: number, file: string, env: Readonly<Record<string, string>>) =>
  startProgram(core, [join(here, file)], env);

/** Runs a job in a client of its own, on the core of the model server. */
export function runJob(job: Job): Promise<Told> {
  const [command, args] = onCore(1, [join(here, "client.ts")]);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(job));
  let out = "";
  child.stdout.on("data", (piece) => {
    out += piece;
  });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => {
      if (code === 0) resolve(JSON.parse(out));
      else reject(new Error(`the client ended with ${code}`));
    });
  });
}

/** Processor time of a program, µs; Linux tells it. */
export function cpuMicros({ child }: Program): number {
  const tasks = `/proc/${child.pid}/task`;
  return readdirSync(tasks).reduce((sum, task) => {
    const text = readFileSync(join(tasks, task, "schedstat"), "utf8");
    return sum + Number(text.split(" ")[0]) / 1000;
  }, 0);
}

export function memoryMB({ child }: Program): number {
  const text = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024;
}
