// Which address the service has.
import type { Server } from "node:http";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { portOwner } from "./port-owner.ts";

export interface Wanted {
  readonly host: string;
  readonly port: number;
  /** Where the port is taken: take one of the next instead. */
  readonly mayMove: boolean;
}

export interface Listening {
  readonly port: number;
  /** Who has the wanted port, where it was taken: a name, or empty where it cannot be told. */
  readonly takenBy?: string;
}

const portsTried = 20;

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** @returns undefined for the port where none could be had; `takenBy` then says who has the wanted one */
export async function listen(
  server: Server,
  { host, port, mayMove }: Wanted,
): Promise<Listening | { readonly port: undefined; readonly takenBy: string }> {
  let takenBy: string | undefined;
  for (let next = port; next < port + (mayMove ? portsTried : 1) && next < 65_536; next++) {
    const got = await tryPort(server, host, next);
    if (got !== undefined) return { port: got, ...(takenBy === undefined ? {} : { takenBy }) };
    takenBy ??= (await portOwner(port)) ?? "";
  }
  return { port: undefined, takenBy: takenBy ?? "" };
}

function noAddress(host: string, cause: Error): TaskError {
  const text = msg(
    "{0} is no address of this machine. Name one of its own, such as 127.0.0.1, or 0.0.0.0 for all.",
    host,
  );
  return new TaskError("bad-input", text, { cause });
}

function tryPort(server: Server, host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      server.off("listening", listening);
      const code = "code" in error ? error.code : undefined;
      if (code === "EADDRINUSE" || code === "EACCES") resolve(undefined);
      else reject(code === "ENOTFOUND" || code === "EADDRNOTAVAIL" ? noAddress(host, error) : error);
    };
    const listening = () => {
      server.off("error", failed);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    };
    server.once("error", failed);
    server.once("listening", listening);
    server.listen(port, host);
  });
}

/** Whether an address of a model server is this service: it would ask itself without end. */
export function pointsAt(address: string | undefined, port: number): boolean {
  if (!address) return false;
  try {
    const url = new URL(address.includes("://") ? address : `http://${address}`);
    return isLoopback(url.hostname.replace(/^\[|\]$/g, "")) && url.port === String(port);
  } catch {
    return false;
  }
}
