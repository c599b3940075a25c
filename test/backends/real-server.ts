// What the tests ask of real model servers, and how they read the answer.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Backend, ModelRequest } from "../../src/core/backend.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { type CommandOptions, startCommand } from "../harness/command-line.ts";
import type { TemporaryFolder } from "../harness/servers.ts";

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

/** An answer that is begun is gone on with, and only its rest comes back. */
export async function expectRest(backend: Backend, request: ModelRequest, signal: AbortSignal): Promise<void> {
  const messages = [
    { role: "user" as const, content: "Count from one to ten in words." },
    { role: "assistant" as const, content: "one, two, three," },
  ];
  const { text } = await said(backend.run({ ...request, messages, maxTokens: 12 }, signal));
  expect(text).toMatch(/\w/);
  expect(text).not.toMatch(/^\s*one, two/);
}

/** The answer keeps to a JSON schema. */
export async function expectColour(backend: Backend, request: ModelRequest, signal: AbortSignal): Promise<void> {
  const { text } = await said(backend.run({ ...request, format: colours, maxTokens: 60 }, signal));
  expect(JSON.parse(text)).toEqual({ colour: expect.stringMatching(/^(red|green)$/) });
}

/** A shell that asks this server, which has OpenAI's API, and no other that the settings name. */
export async function shellOf(home: TemporaryFolder, url: string): Promise<CommandOptions> {
  const settings = { engine: "ollama", nodes: [{ url, kind: "openai", slots: 1 }] };
  await writeFile(join(home.path, "config.json"), JSON.stringify(settings));
  return { env: { SWITCHYARD_HOME: home.path, OLLAMA_HOST: "127.0.0.1:9" } };
}

/** While the service runs in a home of the product. */
export async function withService(
  options: CommandOptions,
  work: (url: string, token: string) => Promise<void>,
): Promise<void> {
  const token = "token-of-this-test-alone";
  const env = { ...options.env, SWITCHYARD_PROXY_TOKEN: token };
  const service = startCommand(["serve", "--port", "0"], { ...options, env });
  try {
    await expect.poll(() => service.out(), { timeout: 60_000 }).toContain("Listening at");
    await work(/http:\S+/.exec(service.out())?.[0] ?? "", token);
  } finally {
    service.child.kill("SIGTERM");
    await service.ended;
  }
}
