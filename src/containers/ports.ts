// Who holds a port of this machine, and which is free.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import { type Message, msg } from "../core/message.ts";

/** Ports tried after the one that was asked for. */
const triedPorts = 50;

export async function isPortFree(port: number): Promise<boolean> {
  // Both: some systems let two programs bind the same port on different addresses.
  return !(await answers(port)) && (await canBind(port));
}

/** @returns undefined where none of the next ones is free */
export async function nextFreePort(from: number): Promise<number | undefined> {
  for (let port = from; port < from + triedPorts && port <= 65_535; port++) {
    if (await isPortFree(port)) return port;
  }
  return undefined;
}

function answers(port: number): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1", timeout: 500 });
  return new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("timeout", () => resolve(false));
  }).finally(() => socket.destroy());
}

function canBind(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** What is known of the listener; the system tells only of one's own processes, and Linux alone tells it this way. */
export function ownerOfPort(port: number): Message {
  const owner = listenerOf(port);
  return owner ? msg("{0} (process {1})", owner.name, owner.pid) : msg("another program");
}

function listenerOf(port: number): { readonly pid: number; readonly name: string } | undefined {
  const inodes = new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => listeners(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of list("/proc").filter((name) => /^\d+$/.test(name))) {
    const holds = list(`/proc/${pid}/fd`).some((fd) => inodes.has(linkOf(`/proc/${pid}/fd/${fd}`)));
    if (holds) return { pid: Number(pid), name: read(`/proc/${pid}/comm`).trim() };
  }
  return undefined;
}

/** Addresses beyond this machine that somebody listens on at the port; Linux alone tells it this way. */
export function openListeners(port: number): readonly string[] {
  return [
    ["/proc/net/tcp", "00000000", "0.0.0.0"],
    ["/proc/net/tcp6", "0".repeat(32), "[::]"],
  ].flatMap(([table = "", address, shown = ""]) =>
    listening(table, port).some((fields) => fields[1]?.startsWith(`${address}:`)) ? [shown] : [],
  );
}

/** Links of the sockets that listen (state 0A) on the port, as `/proc/<pid>/fd` shows them. */
function listeners(table: string, port: number): readonly string[] {
  return listening(table, port).map((fields) => `socket:[${fields[9]}]`);
}

function listening(table: string, port: number): readonly (readonly string[])[] {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return read(table)
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hex}`) && fields[3] === "0A");
}

const orElse =
  <Value>(work: (path: string) => Value, otherwise: Value) =>
  (path: string): Value => {
    try {
      return work(path);
    } catch {
      return otherwise;
    }
  };
const list = orElse<readonly string[]>((path) => readdirSync(path), []);
const read = orElse((path) => readFileSync(path, "utf8"), "");
const linkOf = orElse((path) => readlinkSync(path), "");
