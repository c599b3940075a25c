// What the tests ask of real model servers, and how they read the answer.
import type { ModelRequest } from "../../src/core/backend.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";

/** @param model as the server names it */
export const storyOf = (model: string): ModelRequest => ({
  model,
  messages: [{ role: "user", content: "Write a very long story about a lighthouse." }],
  sampling: { temperature: 0.1, topP: 0.9, repeatPenalty: 1.1 },
  contextTokens: 2048,
  maxTokens: 30,
  think: false,
});

/** To its end. */
export async function said(events: AsyncIterable<ModelEvent>) {
  const all: ModelEvent[] = [];
  for await (const event of events) all.push(event);
  const text = all.map((event) => (event.kind === "text" ? event.text : "")).join("");
  const end = all.at(-1);
  if (end?.kind !== "done") throw new Error("The answer ended without its figures.");
  return { text, end, all };
}

/** Leaves in the middle of an answer. */
export async function leave(events: AsyncIterable<ModelEvent>): Promise<void> {
  for await (const event of events) if (event.kind === "text") return;
}

export const colours = {
  type: "object",
  properties: { colour: { enum: ["red", "green"] } },
  required: ["colour"],
  additionalProperties: false,
};
