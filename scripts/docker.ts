// A Docker engine for the tests and the measurements: Debian's, started by us alone, with everything it has in a folder
// of its own. It listens on a socket in that folder, changes no firewall rule and uses networks that nobody else does.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram, installPackages } from "./debian.ts";

/** @throws Error with one line that says why there can be none */
export async function ensureDocker(): Promise<string> {
  if (process.platform !== "linux") throw new Error("The tests of containers start an engine of their own, on Linux.");
  if (process.getuid?.() !== 0) throw new Error("The tests of containers start an engine of their own, as root.");
  if (!findDockerd()) await installPackages("docker.io");
  const found = findDockerd();
  if (!found) throw new Error("Install Docker's engine (Debian: apt-get install docker.io), then run this again.");
  return found;
}

/** Undefined where none can run: not Linux, not root, not installed. */
export function findDockerd(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return undefined;
  return findProgram("dockerd") ?? undefined;
}

export interface DockerEngine {
  readonly socket: string;
  /** `unix://…`, for `SWITCHYARD_DOCKER_HOST`. */
  readonly address: string;
  /** The engine alone, at once, as a crash would; its containers end with it when it starts again. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Containers, volumes, images, everything. */
  dispose(): Promise<void>;
}

/** @param parent folder that takes everything it has @throws Error with the engine's last words where it cannot run, as inside most containers */
export async function startDocker(program: string, parent = tmpdir()): Promise<DockerEngine> {
  const folder = await mkdtemp(join(parent, "switchyard-docker-"));
  const socket = join(folder, "docker.sock");
  const networks = freeNetworks();
  let child = await spawnEngine(program, folder, networks).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const endWithUs = () => child.kill("SIGTERM");
  process.once("exit", endWithUs);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  return {
    socket,
    address: `unix://${socket}`,
    kill: () => end("SIGKILL"),
    async start() {
      child = await spawnEngine(program, folder, networks);
    },
    async dispose() {
      process.off("exit", endWithUs);
      await removeContainers(socket);
      await end("SIGTERM");
      // Left by one that was killed and did not come back.
      for (const pid of processesOf(folder)) process.kill(pid, "SIGKILL");
      for (const place of mountsBelow(folder)) spawnSync("umount", ["--lazy", place]);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** On a machine that is busy and has never started one. */
const startLimitMs = 60_000;

async function spawnEngine(program: string, folder: string, networks: string): Promise<ChildProcess> {
  await mkdir(folder, { recursive: true });
  const log = await open(join(folder, "log"), "a");
  // Where nobody buries the dead, one that was killed seems to live on by its number.
  for (const name of ["pid", "exec/containerd/containerd.pid"]) await rm(join(folder, name), { force: true });
  // Without a file of its own it reads the system's.
  await writeFile(join(folder, "daemon.json"), "{}");
  const at = (name: string) => join(folder, name);
  const child = spawn(
    program,
    [
      ...["--data-root", at("data"), "--exec-root", at("exec"), "--pidfile", at("pid")],
      ...["--host", `unix://${at("docker.sock")}`, "--config-file", at("daemon.json")],
      ...["--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"],
      ...["--default-address-pool", `base=${networks}.0/20,size=24`],
      // Without a bridge of its own it does not know by which address containers reach this machine.
      ...["--host-gateway-ip", `${networks}.1`],
    ],
    { stdio: ["ignore", log.fd, log.fd], env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` } },
  );
  await log.close();
  const deadline = performance.now() + startLimitMs;
  while (performance.now() < deadline && child.exitCode === null) {
    if ((await ask(at("docker.sock"), "GET", "/_ping").catch(() => undefined))?.status === 200) return child;
    await sleep(50);
  }
  child.kill("SIGKILL");
  const said = (await readFile(join(folder, "log"), "utf8")).trim().split("\n").slice(-3).join("\n");
  throw new Error(`No Docker engine can run here: ${said}`);
}

/** Sixteen networks that no other engine has now, or is likely to choose at this moment: the start of their addresses. */
function freeNetworks(): string {
  const used = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  for (;;) {
    const [second, third] = [200 + randomInt(50), 16 * randomInt(16)];
    const isIn = (address: string) => {
      const [first, other, last] = address.split(".").map(Number);
      return first === 10 && other === second && last !== undefined && last >= third && last < third + 16;
    };
    if (!used.some(isIn)) return `10.${second}.${third}`;
  }
}

/** Keepers of containers (shims) that this engine started: they outlive it and name its folder. */
function processesOf(folder: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`${folder}/exec`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Innermost first. */
function mountsBelow(folder: string): readonly string[] {
  const places = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  return places.filter((place) => place.startsWith(`${folder}/`)).reverse();
}

async function removeContainers(socket: string): Promise<void> {
  const listed = await ask(socket, "GET", "/containers/json?all=1").catch(() => undefined);
  const containers: { Id: string }[] = JSON.parse(listed?.body ?? "[]");
  for (const { Id } of containers) await ask(socket, "DELETE", `/containers/${Id}?force=1&v=1`);
}

/** One request to the engine, past everything of the product. */
export function ask(
  socket: string,
  method: string,
  path: string,
  body?: NodeJS.ReadableStream | object,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const isStream = body !== undefined && "pipe" in body && typeof body.pipe === "function";
    const headers = isStream ? { "content-type": "application/x-tar" } : { "content-type": "application/json" };
    const call = request({ socketPath: socket, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
      });
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    call.once("error", reject);
    if (isStream) (body as NodeJS.ReadableStream).pipe(call);
    else call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
