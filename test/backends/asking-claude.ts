// A question to a stand-in for Claude, through the product's own backend.
import { ClaudeBackend, type ClaudeOptions } from "../../src/backends/claude.ts";
import type { ModelRequest } from "../../src/core/backend.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { testKey } from "./claude-server.ts";

export const connect = (url: string, over: Partial<ClaudeOptions> = {}) =>
  new ClaudeBackend({ apiKey: async () => testKey, baseUrl: () => url, ...over });

export const request: ModelRequest = {
  model: "claude-sonnet-5-5",
  messages: [{ role: "user", content: "Why is the sky blue?" }],
  sampling: { temperature: 0.2, topP: 0.9, repeatPenalty: 1.1 },
  contextTokens: 8192,
  maxTokens: 500,
  think: false,
};

/** All that came, and what it ended with. */
export async function ask(backend: ClaudeBackend, signal = new AbortController().signal) {
  const seen: ModelEvent[] = [];
  let error: unknown;
  try {
    for await (const event of backend.run(request, signal)) seen.push(event);
  } catch (thrown) {
    error = thrown;
  }
  const text = seen.map((event) => (event.kind === "text" ? event.text : "")).join("");
  return { seen, text, isDone: seen.some((event) => event.kind === "done"), error };
}
