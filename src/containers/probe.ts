// Whether a service really answers on this machine: sooner known, and truer, than the engine's own health check.
import { connect } from "node:net";

const answerLimitMs = 2_000;

/** @param address `redis://…` or `http://…` */
export async function answersAt(address: string, signal: AbortSignal): Promise<boolean> {
  const both = AbortSignal.any([signal, AbortSignal.timeout(answerLimitMs)]);
  return address.startsWith("redis:") ? answersPing(new URL(address), both) : answersHttp(address, both);
}

async function answersHttp(address: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(address, { signal, redirect: "error" });
    await response.text();
    return response.ok;
  } catch {
    return false;
  }
}

function answersPing(url: URL, signal: AbortSignal): Promise<boolean> {
  const socket = connect({ port: Number(url.port), host: url.hostname, signal });
  return new Promise<boolean>((resolve) => {
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (data) => resolve(String(data).startsWith("+PONG")));
  }).finally(() => socket.destroy());
}
