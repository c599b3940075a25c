// What programs of the same person ask of the service besides answers: to stop, and to tell them when it does.
import type { ServerResponse } from "node:http";
import type * as z from "zod/mini";
import { type drainedSchema, drainPath, drainSchema } from "../core/drain.ts";
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

export interface ControlParts {
  /** Lets go of the address before it returns. */
  readonly stop: () => Promise<void>;
  /** Asks nothing new of a model server, or something again. */
  readonly drain: (wish: z.infer<typeof drainSchema>) => Promise<z.infer<typeof drainedSchema>>;
}

/** @param token has to be shown here also where the service asks for none elsewhere */
export function createControl(token: string, { stop, drain }: ControlParts): Control {
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
    async handle(request, response, body) {
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
      } else if (request.method === "POST" && path === drainPath) {
        const wish = drainSchema.safeParse(body);
        if (!wish.success) throw new ProxyError(400, "The address of a model server is wanted.");
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(await drain(wish.data)));
      } else throw new ProxyError(404, "There is nothing at this address.");
    },
    async close() {
      clearInterval(timer);
      for (const watcher of watchers) watcher.end(line({ kind: "stopping" }));
    },
  };
}
