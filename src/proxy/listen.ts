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

/** Why the wanted port could not be had. `by`: a name, or empty where it cannot be told. */
export type NotHad = { readonly kind: "taken"; readonly by: string } | { readonly kind: "forbidden" };

export interface Listening {
  readonly port: number;
  /** Absent: it is the one that was wanted. */
  readonly why?: NotHad;
}

const portsTried = 20;

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** @returns undefined for the port where none could be had; `why` then tells of the wanted one */
export async function listen(
  server: Server,
  { host, port, mayMove }: Wanted,
): Promise<Listening | { readonly port: undefined; readonly why: NotHad }> {
  let why: NotHad | undefined;
  for (let next = port; next < port + (mayMove ? portsTried : 1) && next < 65_536; next++) {
    const got = await tryPort(server, host, next);
    if (typeof got === "number") return { port: got, ...(why ? { why } : {}) };
    why ??= got === "forbidden" ? { kind: got } : { kind: got, by: (await portOwner(port)) ?? "" };
  }
  return { port: undefined, why: why ?? { kind: "taken", by: "" } };
}

function noAddress(host: string, cause: Error): TaskError {
  const text = msg(
    "{0} is no address of this machine. Name one of its own, such as 127.0.0.1, or 0.0.0.0 for all.",
    host,
  );
  return new TaskError("bad-input", text, { cause });
}

function tryPort(server: Server, host: string, port: number): Promise<number | NotHad["kind"]> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      server.off("listening", listening);
      const code = "code" in error ? error.code : undefined;
      if (code === "EADDRINUSE") resolve("taken");
      else if (code === "EACCES") resolve("forbidden");
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
