// Starts and stops editor servers, each on a free loopback port, with folders of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../scripts/free-port.ts";

export interface StartedServer {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts a server in a process group of its own.
 * @param args what follows the port; resolves when `ready` is printed
 */
export async function startServer(
  entry: string,
  args: (port: number) => readonly string[],
  ready: RegExp,
  env: Readonly<Record<string, string | undefined>>,
): Promise<StartedServer> {
  const port = await freePort();
  const child = spawn(process.execPath, [entry, ...args(port)], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  await whenReady(child, ready).catch(async (error: unknown) => {
    await stopGroup(child);
    throw error;
  });
  return { port, stop: () => stopGroup(child) };
}

function whenReady(child: ChildProcess, ready: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const timer = setTimeout(() => reject(new Error(`The editor did not start in 120 s:\n${output}`)), 120_000);
    const read = (piece: Buffer) => {
      output = (output + String(piece)).slice(-4000);
      if (!ready.test(output)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`The editor ended with ${code}:\n${output}`));
    });
  });
}

/** Extension hosts and watchers are in the same group; whatever does not leave in 3 s is killed. */
async function stopGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  signalGroup(child.pid, "SIGTERM");
  await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 3000))]);
  signalGroup(child.pid, "SIGKILL");
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone already.
  }
}

export interface TemporaryFolder {
  readonly path: string;
  remove(): Promise<void>;
}

export async function temporaryFolder(name: string): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), `switchyard-${name}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
