// The side of the built-in engine that its users hold: finds the running one or starts it, and notices when it dies.
import { type ChildProcess, spawn } from "node:child_process";
import { open, rm, stat } from "node:fs/promises";
import { type ClientRequest, get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { msg } from "../../core/message.ts";
import { TaskError } from "../../core/task-error.ts";
import { writePrivateFile } from "../../private-file.ts";
import { engineVersion, ownSourcesPath, type Registration, readRegistration } from "./registration.ts";

export interface EmbeddedEngineOptions {
  /** Folder of models and of the engine's registration. */
  readonly home: string;
  /** Entry of the engine's process. */
  readonly entry: string;
  readonly log: (level: "debug" | "info" | "warn" | "error", text: string) => void;
  readonly weightSources: () => readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface EmbeddedEngine {
  /** Base URL; starts the engine if none runs. Throws `TaskError` of kind `server-unreachable`. */
  address(signal: AbortSignal): Promise<string>;
  /** Lets go of the engine. It ends by itself when nobody holds it. */
  dispose(): void;
}

interface Lease {
  readonly url: string;
  readonly pid: number;
  isOpen: boolean;
  close(): void;
}

const startTimeoutMs = 30_000;

export function createEmbeddedEngine(options: EmbeddedEngineOptions): EmbeddedEngine {
  let lease: Lease | undefined;
  let starting: Promise<Lease> | undefined;
  let disposed = false;

  const start = async (): Promise<Lease> => {
    // An address may have a password in it.
    await writePrivateFile(ownSourcesPath(options.home), JSON.stringify(options.weightSources()));
    const registration = (await runningEngine(options.home)) ?? (await startEngine(options));
    const taken = await takeLease(registration, () => {
      if (!disposed) options.log("warn", "The built-in engine stopped. It starts again when it is needed.");
    });
    options.log("info", `built-in engine at ${taken.url}, process ${taken.pid}`);
    return taken;
  };

  return {
    async address(signal) {
      signal.throwIfAborted();
      if (lease?.isOpen) return lease.url;
      starting ??= start().finally(() => {
        starting = undefined;
      });
      lease = await starting;
      signal.throwIfAborted();
      return lease.url;
    },
    dispose() {
      disposed = true;
      lease?.close();
    },
  };
}

/** The registered engine, if it is alive and really ours: a port that answers is not enough. */
async function runningEngine(home: string): Promise<Registration | undefined> {
  const registration = await readRegistration(home);
  if (!registration || registration.version !== engineVersion) return undefined;
  try {
    const response = await fetch(`http://127.0.0.1:${registration.port}/switchyard/identity`, {
      signal: AbortSignal.timeout(2_000),
    });
    const identity: unknown = await response.json();
    const isOurs =
      typeof identity === "object" && identity !== null && Reflect.get(identity, "instance") === registration.instance;
    return isOurs ? registration : undefined;
  } catch {
    return undefined;
  }
}

/** Many may start at once; the one that gets the lock does it, the others wait for its registration. */
async function startEngine(options: EmbeddedEngineOptions): Promise<Registration> {
  const lockPath = join(options.home, "engine.lock");
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline) {
    const lock = await open(lockPath, "wx").catch(() => undefined);
    if (lock) {
      try {
        return (await runningEngine(options.home)) ?? (await spawnEngine(options));
      } finally {
        await lock.close();
        await rm(lockPath, { force: true });
      }
    }
    await sleep(50);
    const running = await runningEngine(options.home);
    if (running) return running;
    await dropStaleLock(lockPath);
  }
  throw engineFailed("no answer in time");
}

/** A lock older than a start may take was left behind by a process that is gone. */
async function dropStaleLock(lockPath: string): Promise<void> {
  const found = await stat(lockPath).catch(() => undefined);
  if (found && Date.now() - found.mtimeMs > startTimeoutMs) await rm(lockPath, { force: true });
}

async function spawnEngine(options: EmbeddedEngineOptions): Promise<Registration> {
  const child = spawn(process.execPath, [options.entry, "--home", options.home], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    // Inside VS Code the executable is the editor; this makes it a plain Node.
    env: { ...(options.env ?? process.env), ELECTRON_RUN_AS_NODE: "1" },
  });
  let errors = "";
  child.stderr?.on("data", (data: Buffer) => {
    errors = (errors + data.toString()).slice(-4000);
    options.log("debug", `engine: ${data.toString().trimEnd()}`);
  });
  const exit = exitOf(child);
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline) {
    const code = await Promise.race([exit, sleep(40, "running" as const)]);
    if (code !== "running") throw engineFailed(errors.trim() || `exit code ${code}`);
    const registration = await runningEngine(options.home);
    if (registration && registration.pid === child.pid) {
      child.unref();
      release(child);
      return registration;
    }
  }
  child.kill();
  throw engineFailed(errors.trim() || "no answer in time");
}

/** The engine outlives us when others hold it, so its pipes may not keep us alive. */
function release(child: ChildProcess): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream && "unref" in stream && typeof stream.unref === "function") stream.unref();
    stream?.resume();
  }
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(String(code ?? signal)));
  });
}

function engineFailed(why: string): TaskError {
  return new TaskError("server-unreachable", msg("The built-in engine could not be started: {0}", why));
}

/** A request that stays open: the engine lives while anybody holds one, and its end is how a crash is noticed. */
async function takeLease(registration: Registration, onLost: () => void): Promise<Lease> {
  const url = `http://127.0.0.1:${registration.port}`;
  const { request, response } = await openLease(`${url}/switchyard/lease`);
  const lease: Lease = {
    url,
    pid: registration.pid,
    isOpen: true,
    close() {
      lease.isOpen = false;
      request.destroy();
    },
  };
  const lost = () => {
    if (lease.isOpen) onLost();
    lease.isOpen = false;
  };
  response.on("close", lost);
  response.on("error", lost);
  request.on("error", lost);
  response.resume();
  return lease;
}

function openLease(url: string): Promise<{ request: ClientRequest; response: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      request.socket?.unref();
      resolve({ request, response });
    });
    request.once("error", (error) => reject(engineFailed(error.message)));
  });
}
