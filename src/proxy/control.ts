// What programs of the same person ask of the service besides answers: to stop, and to tell them when it does.
import type { ServerResponse } from "node:http";
import { controlPaths } from "../service/stop-service.ts";
import type { ServiceEvent } from "../service/watch-service.ts";
import { createTokenCheck } from "./guard.ts";
import type { Mount } from "./mount.ts";
import { ProxyError } from "./proxy-error.ts";

const line = (event: ServiceEvent) => `${JSON.stringify(event)}\n`;

/** So often a watcher hears that the service is there, ms. */
const beatMs = 15_000;

export interface Control extends Mount {
  /** Tells those who watch that a program has asked for something. */
  seen(route: string, agent: string): void;
}

/**
 * @param token has to be shown here also where the service asks for none elsewhere
 * @param stop lets go of the address before it returns
 */
export function createControl(token: string, stop: () => Promise<void>): Control {
  const watchers = new Set<ServerResponse>();
  const timer = setInterval(() => {
    for (const watcher of watchers) watcher.write("\n");
  }, beatMs);
  timer.unref();
  const isKnown = createTokenCheck(token);
  return {
    path: controlPaths.all,
    seen(route, agent) {
      if (route.endsWith(controlPaths.all)) return;
      for (const watcher of watchers) watcher.write(line({ kind: "seen", route, agent: agent.slice(0, 100) }));
    },
    async handle(request, response) {
      if (!isKnown(request.headers)) throw new ProxyError(401, "The token is missing or wrong.");
      const path = (request.url ?? "").split("?")[0];
      if (request.method === "POST" && path === controlPaths.stop) {
        for (const watcher of watchers) watcher.write(line({ kind: "stopping" }));
        await stop();
        response.writeHead(202, { "content-type": "application/json", connection: "close" }).end("{}");
      } else if (request.method === "GET" && path === controlPaths.watch) {
        response.writeHead(200, { "content-type": "application/x-ndjson" }).write(line({ kind: "watching" }));
        watchers.add(response);
        response.on("close", () => watchers.delete(response));
      } else throw new ProxyError(404, "There is nothing at this address.");
    },
    async close() {
      clearInterval(timer);
      for (const watcher of watchers) watcher.end(line({ kind: "stopping" }));
    },
  };
}
