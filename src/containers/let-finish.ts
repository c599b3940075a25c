// A model server that is about to go gets nothing new, and what it answers is waited for, whichever window or program asked.
import type Docker from "dockerode";
import { msg } from "../core/message.ts";
import type { Leaving, UpEvent } from "../core/services.ts";
import { addressOf, publishedPort } from "./container.ts";
import { admitAgain, leadProxy, type ProxyLead } from "./drain-proxy.ts";
import type { Engine } from "./engine.ts";
import { pause } from "./pause.ts";
import { isModelServer } from "./plan.ts";
import { labels } from "./stack.ts";

/** Longer than this nobody is made to wait for the answers of others. */
const usualLimitMs = 60_000;
/** Other windows look at the list of servers twice a second. */
const lookEveryMs = 600;
const tellAfterMs = 1_000;
const admitLimitMs = 5_000;
/** Of one processor: what a model server takes that answers nobody. */
export const quietCpus = 0.1;

export interface Balancer {
  /** Gives it no new questions; resolves when nothing of this process is in flight there. */
  readonly drain: (address: string, signal: AbortSignal) => Promise<void>;
  /** One at an address that was drained before. */
  readonly admit: (address: string) => void;
}

export interface FarewellParts {
  readonly engine: Engine;
  readonly stackName: string;
  readonly home: string;
  /** Undefined: this process asks no model server. */
  readonly balancer: Balancer | undefined;
  /** Processors that the container of a service uses; undefined: not known. */
  readonly cpus: (service: string, signal: AbortSignal) => Promise<number | undefined>;
  /** Aborted: nothing is waited for any longer. */
  readonly hurry?: AbortSignal | undefined;
  readonly limitMs?: number | undefined;
}

interface Server {
  readonly name: string;
  readonly id: string;
  readonly address: string;
}

export interface Farewell {
  /** Ends when none of the model servers among them answers anybody, when that takes too long, or on `hurry`. */
  finish(containers: readonly Docker.ContainerInspectInfo[], signal: AbortSignal): AsyncIterable<UpEvent>;
  /** It is there again, or gone for good: who waits for it is let go on. Never throws. */
  admit(service: string): Promise<void>;
  admitAll(): Promise<void>;
}

export function createFarewell(parts: FarewellParts): Farewell {
  const { engine, stackName, home, balancer, hurry, limitMs = usualLimitMs } = parts;
  const left = new Map<string, { readonly address: string; readonly proxy: ProxyLead }>();
  const admit = async (name: string) => {
    const held = left.get(name);
    if (!held) return;
    left.delete(name);
    held.proxy.end();
    balancer?.admit(held.address);
    const limit = AbortSignal.timeout(admitLimitMs);
    await admitAgain(engine, { stackName, home, name }, limit).catch(() => undefined);
  };
  return {
    async *finish(containers, signal) {
      const servers = containers.flatMap(serverOf);
      if (servers.length === 0) return;
      const limit = AbortSignal.timeout(limitMs);
      const waiting = AbortSignal.any([signal, limit, ...(hurry ? [hurry] : [])]);
      const answering = new Set(servers.map(({ name }) => name));
      const quiet = Promise.allSettled(
        servers.map(async (server) => {
          const proxy = leadProxy(engine, stackName, home, server.id);
          left.set(server.name, { address: server.address, proxy });
          await untilQuiet(parts, server, proxy, waiting);
          answering.delete(server.name);
        }),
      );
      await Promise.race([quiet, pause(tellAfterMs, waiting).catch(() => undefined)]);
      if (!waiting.aborted) for (const service of answering) yield { kind: "finishing", service, limitMs };
      await quiet;
      signal.throwIfAborted();
      if (!limit.aborted || hurry?.aborted) return;
      for (const service of answering) yield { kind: "notice", text: stillAnswering(service, limitMs) };
    },
    admit,
    admitAll: async () => void (await Promise.all([...left.keys()].map(admit))),
  };
}

/** As `finish`, for who is told beside what is done. */
export async function finishTelling(
  farewell: Farewell,
  containers: readonly Docker.ContainerInspectInfo[],
  { tell }: Pick<Leaving, "tell">,
  signal: AbortSignal,
): Promise<void> {
  for await (const event of farewell.finish(containers, signal)) tell?.(event);
}

const stillAnswering = (service: string, limitMs: number) =>
  msg("{0} was still answering after {1} s: what it was answering is cut.", service, limitMs / 1000);

function serverOf(container: Docker.ContainerInspectInfo): readonly Server[] {
  const name = container.Config.Labels[labels.service] ?? "";
  const port = publishedPort(container);
  if (!isModelServer(name) || port === undefined || !container.State.Running || container.State.Paused) return [];
  return [{ name, id: container.Id, address: addressOf(name, port) }];
}

async function untilQuiet(
  { balancer, cpus }: FarewellParts,
  { name, address }: Server,
  proxy: ProxyLead,
  waiting: AbortSignal,
): Promise<void> {
  const elsewhere = async () => {
    // The first look tells of no time between two.
    await cpus(name, waiting);
    do await pause(lookEveryMs, waiting);
    while (((await cpus(name, waiting)) ?? 0) > quietCpus);
  };
  await Promise.all([balancer?.drain(address, waiting), proxy.drain(waiting), elsewhere()]);
}
