// Starts the service as a process of its own, which outlives whoever started it.
import { spawn } from "node:child_process";
import { mkdir, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { findService, type Publication } from "./publication.ts";

export interface ServiceStart {
  readonly home: string;
  readonly token: string;
  /** The command line's program, and what it is told besides `serve`. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const limitMs = 60_000;
const logBytes = 1024 * 1024;

export const serviceLog = (home: string): string => join(home, "service.log");

/**
 * Resolves when a service of this person answers: the one that was started, or one that was there.
 * @throws TaskError `server-unreachable` that names the log
 */
export async function startService(start: ServiceStart, signal: AbortSignal): Promise<Publication> {
  const { home, token, entry, args, env } = start;
  await mkdir(home, { recursive: true, mode: 0o700 });
  const isFull = await stat(serviceLog(home)).then(
    (found) => found.size > logBytes,
    () => false,
  );
  const log = await open(serviceLog(home), isFull ? "w" : "a", 0o600);
  const child = spawn(process.execPath, [entry, "serve", ...args], {
    // A folder that was open would be kept from being removed.
    cwd: home,
    // An editor's own program runs as Node when it is told to.
    env: { ...env, ELECTRON_RUN_AS_NODE: "1" },
    stdio: ["ignore", log.fd, log.fd],
    detached: true,
    windowsHide: true,
  });
  const ended = new Promise<number>((resolve) => {
    child.once("exit", (code) => resolve(code ?? 1));
    child.once("error", () => resolve(1));
  });
  child.unref();
  await log.close();
  const endMs = performance.now() + limitMs;
  let code: number | undefined;
  void ended.then((value) => {
    code = value;
  });
  while (performance.now() < endMs) {
    const hasEnded = code !== undefined;
    const found = await findService(home, token, signal);
    if (found && (hasEnded || found.pid === child.pid)) return found;
    if (hasEnded) break;
    await sleep(100, undefined, { signal });
  }
  throw new TaskError(
    "server-unreachable",
    msg("The service could not be started. Its log says why: {0}", serviceLog(home)),
  );
}
