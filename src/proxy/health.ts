// How the parts are. Who does not know the token learns only that the service is there.
import type { App } from "../core/app.ts";
import { taskKinds } from "../core/task.ts";
import type { Outcome } from "./exchange.ts";

export interface HealthCaller {
  readonly isKnown: boolean;
  /** The answer to the caller's challenge, where there was one. */
  readonly proof: string | undefined;
}

export interface HealthOptions {
  readonly version: string;
  /** What the person should know. */
  readonly notice?: () => string | undefined;
}

export function createHealth(app: App, { version, notice }: HealthOptions) {
  return async ({ isKnown, proof }: HealthCaller, isDraining: boolean, signal: AbortSignal): Promise<Outcome> => {
    if (isDraining) return { kind: "json", status: 503, value: { status: "stopping" } };
    if (!isKnown) return { kind: "json", value: { status: "ok", ...(proof ? { proof } : {}) } };
    const servers = await app.status(signal);
    const reached = servers.filter((server) => server.name !== "");
    return {
      kind: "json",
      value: {
        status: reached.length > 0 ? "ok" : "degraded",
        service: "switchyard",
        version,
        pid: process.pid,
        ...(notice?.() ? { notice: notice() } : {}),
        parts: {
          proxy: { status: "ok", uptimeSeconds: Math.round(process.uptime()) },
          work: workOf(app),
          models: {
            status: reached.some((server) => server.models.length > 0) ? "ok" : "none installed",
            installed: reached.reduce((sum, server) => sum + server.models.length, 0),
            loaded: reached.reduce((sum, server) => sum + server.loaded.length, 0),
          },
          // With those that do not answer, and why.
          asked: servers[0]?.tried ?? [],
          servers: servers.map((server) =>
            server.name === ""
              ? { status: "unreachable", tried: server.tried }
              : {
                  status: "ok",
                  name: server.name,
                  ...(server.version ? { version: server.version } : {}),
                  models: server.models.map(({ name }) => name),
                  loaded: server.loaded.map(({ name }) => name),
                  condition: server.condition ?? "ready",
                  inFlight: server.inFlight ?? 0,
                  ...(server.tokensPerSecond === undefined ? {} : { tokensPerSecond: server.tokensPerSecond }),
                },
          ),
        },
      },
    };
  };
}

/** What is being worked on and what waits, for its turn or for a server. */
function workOf({ turns, nodes }: Pick<App, "turns" | "nodes">) {
  const states = taskKinds.map((kind) => [kind, turns.state(kind)] as const);
  const { count, longestMs } = nodes.waiting();
  const turnsWaiting = turns.waiting();
  return {
    working: states.reduce((sum, [, { working }]) => sum + working, 0),
    waiting: turnsWaiting.count + count,
    longestWaitMs: Math.round(Math.max(turnsWaiting.longestMs, longestMs)),
    tasks: Object.fromEntries(states.filter(([, { working, waiting }]) => working + waiting > 0)),
  };
}
