// How the parts are. Who does not know the token learns only that the service is there.
import type { App } from "../core/app.ts";
import type { Outcome } from "./exchange.ts";

export function createHealth(app: App, version: string) {
  return async (isKnown: boolean, isDraining: boolean, signal: AbortSignal): Promise<Outcome> => {
    if (isDraining) return { kind: "json", status: 503, value: { status: "stopping" } };
    if (!isKnown) return { kind: "json", value: { status: "ok" } };
    const servers = await app.status(signal);
    const reached = servers.filter((server) => server.name !== "");
    return {
      kind: "json",
      value: {
        status: reached.length > 0 ? "ok" : "degraded",
        service: "switchyard",
        version,
        pid: process.pid,
        parts: {
          proxy: { status: "ok", uptimeSeconds: Math.round(process.uptime()) },
          models: {
            status: reached.some((server) => server.models.length > 0) ? "ok" : "none installed",
            installed: reached.reduce((sum, server) => sum + server.models.length, 0),
            loaded: reached.reduce((sum, server) => sum + server.loaded.length, 0),
          },
          servers: servers.map((server) =>
            server.name === ""
              ? { status: "unreachable", tried: server.tried }
              : { status: "ok", name: server.name, ...(server.version ? { version: server.version } : {}) },
          ),
        },
      },
    };
  };
}
