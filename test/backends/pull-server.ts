// A model server that gets a model for whoever asks: as told, and not always to its end.
import type { ServerResponse } from "node:http";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import type { PullLimits } from "../../src/backends/steady-pull.ts";
import type { PullProgress } from "../../src/core/backend.ts";
import { beginLines, type Handler, type ScriptedServer, sendJson, startScriptedServer } from "./scripted-server.ts";

/** Bytes of a layer. */
export const total = 1000;

export interface PullServer extends ScriptedServer {
  /** How often it was asked for the model. */
  asks(): number;
  backend(pullLimits: PullLimits): OllamaBackend;
}

/** @param answers what each ask for the model gets, in order; the last one answers all that follow */
export async function startPullServer(
  ...answers: readonly ((response: ServerResponse) => void)[]
): Promise<PullServer> {
  let asked = 0;
  const pull: Handler = (_, response) => {
    beginLines(response);
    answers[Math.min(asked++, answers.length - 1)]?.(response);
  };
  const server = await startScriptedServer({
    "POST /api/pull": pull,
    "GET /api/tags": (_, response) => sendJson(response, { models: [] }),
    "DELETE /api/delete": (_, response) => sendJson(response, { status: "success" }),
  });
  return {
    ...server,
    asks: () => server.requests.filter((each) => each === "POST /api/pull").length,
    backend: (pullLimits) =>
      new OllamaBackend({
        name: "test server",
        place: "this-machine",
        address: async () => server.url,
        pullLimits,
      }),
  };
}

export const layer = (response: ServerResponse, completed: number, digest = "a") =>
  response.write(`${JSON.stringify({ status: `pulling ${digest}`, digest, total, completed })}\n`);
export const success = (response: ServerResponse) => response.end(`${JSON.stringify({ status: "success" })}\n`);
export const failure = (response: ServerResponse, error: string) => response.end(`${JSON.stringify({ error })}\n`);
/** All that is missing, at once. */
export const theRest = (response: ServerResponse) => {
  layer(response, total);
  success(response);
};

/** Half of it, and the rest when told. */
export function heldBack() {
  let finish = () => {};
  let fail = (_: string) => {};
  const isHalf = Promise.withResolvers<void>();
  return {
    isHalf: isHalf.promise,
    finish: () => finish(),
    fail: (error: string) => fail(error),
    answer: (response: ServerResponse) => {
      // New bytes, so that it does not stand still.
      let sent = 400;
      const timer = setInterval(() => layer(response, Math.min(999, sent++)), 50);
      response.once("close", () => clearInterval(timer));
      layer(response, 400);
      isHalf.resolve();
      finish = () => {
        clearInterval(timer);
        theRest(response);
      };
      fail = (error) => {
        clearInterval(timer);
        failure(response, error);
      };
    },
  };
}

export async function all(progress: AsyncIterable<PullProgress>): Promise<readonly PullProgress[]> {
  const seen: PullProgress[] = [];
  for await (const each of progress) seen.push(each);
  return seen;
}
