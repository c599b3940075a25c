// Model servers that answer as told, behind the product's own backend and queue.
import { createServer } from "node:net";
import { onTestFinished } from "vitest";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import type { InstalledModel } from "../../src/core/backend.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { createNodeQueue } from "../../src/core/node-queue.ts";
import { createRunOnNodes, type ModelNode, type NodeParts } from "../../src/tasks/run-on-nodes.ts";
import { request } from "../backends/sample-request.ts";
import {
  beginLines,
  doneLine,
  type Handler,
  noModelsLoaded,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";

export const never = new AbortController().signal;
export const good: Handler = (_, response) => {
  beginLines(response);
  response.write(tokenLine("fine"));
  response.end(doneLine());
};

export function nodeAt(name: string, url: string): ModelNode {
  const model: InstalledModel = {
    name: "m",
    backend: name,
    place: "network",
    host: new URL(url).host,
    sizeBytes: 1,
    capabilities: [],
  };
  return { model, backend: new OllamaBackend({ name, place: "network", address: async () => url, stallMs: 60_000 }) };
}

/** A server that answers a chat as told; `asked` counts how often it was. */
export async function node(
  name: string,
  chat: Handler,
  more: Readonly<Record<string, Handler>> = {},
): Promise<ModelNode & { readonly asked: () => number }> {
  const server = await startScriptedServer({ "POST /api/chat": chat, "GET /api/ps": noModelsLoaded, ...more });
  onTestFinished(server.close);
  return { ...nodeAt(name, server.url), asked: () => server.requests.filter((each) => each.endsWith("/chat")).length };
}

/** A port that nobody listens on. */
export async function deadNode(): Promise<ModelNode> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  await new Promise((resolve) => server.close(resolve));
  return nodeAt("dead", `http://127.0.0.1:${port}`);
}

export function runnerOf(over: Partial<NodeParts> = {}, nowMs = () => performance.now()) {
  const queue = createNodeQueue(nowMs);
  return { run: createRunOnNodes({ queue, slotsOf: () => 4, ...over }), queue };
}

export async function ask(run: ReturnType<typeof createRunOnNodes>, nodes: readonly ModelNode[], signal = never) {
  const events: ModelEvent[] = [];
  let failure: unknown;
  try {
    for await (const event of run(nodes, request, signal)) events.push(event);
  } catch (error) {
    failure = error;
  }
  const text = events.map((event) => (event.kind === "text" ? event.text : "")).join("");
  const tried = events.flatMap((event) => (event.kind === "answering" ? [event.backend] : []));
  return { text, tried, failure, isDone: events.at(-1)?.kind === "done" };
}
