import { expect, it } from "vitest";
import type { ModelRequest } from "../../src/core/backend.ts";
import type { ToolUse } from "../../src/core/tool.ts";
import { startOllama } from "./ollama-server.ts";
import { request as plain } from "./sample-request.ts";
import { beginLines, doneLine, type Handler, tokenLine } from "./scripted-server.ts";

const toolUse: ToolUse = {
  tools: [
    { name: "weather", description: "Tells the weather", parameters: { type: "object", properties: { city: {} } } },
    { name: "clock", parameters: { type: "object" } },
  ],
  choice: { kind: "auto" },
  isParallel: true,
};
const request: ModelRequest = {
  ...plain,
  messages: [
    { role: "user", content: "Weather?", images: ["AAAA"] },
    { role: "assistant", content: "", thinking: "hm", toolCalls: [{ id: "c1", name: "clock", arguments: {} }] },
    { role: "tool", content: "noon", answers: { id: "c1", name: "clock" } },
  ],
  toolUse,
};
const never = new AbortController().signal;
const callLine = (calls: unknown) =>
  `${JSON.stringify({ model: "m", message: { role: "assistant", content: "", tool_calls: calls }, done: false })}\n`;
const answering =
  (...lines: readonly string[]): Handler =>
  (_, response) => {
    beginLines(response);
    response.end(lines.join(""));
  };

it("is told of tools, calls, their results, thoughts and pictures as Ollama has them", async () => {
  const { backend, server } = await startOllama(answering(tokenLine("It is noon."), doneLine()));
  await Array.fromAsync(backend.run(request, never));
  const body = JSON.parse(server.bodies.find((each) => each.includes("messages")) ?? "");
  expect(body.tools).toEqual([
    {
      type: "function",
      function: {
        name: "weather",
        description: "Tells the weather",
        parameters: { type: "object", properties: { city: {} } },
      },
    },
    { type: "function", function: { name: "clock", parameters: { type: "object" } } },
  ]);
  expect(body.messages).toEqual([
    { role: "user", content: "Weather?", images: ["AAAA"] },
    {
      role: "assistant",
      content: "",
      thinking: "hm",
      tool_calls: [{ id: "c1", function: { name: "clock", arguments: {} } }],
    },
    { role: "tool", content: "noon", tool_name: "clock", tool_call_id: "c1" },
  ]);
  expect(body.format).toBeUndefined();
});

it("gives several calls, each with a name of its own, also where arguments come as text", async () => {
  const { backend } = await startOllama(
    answering(
      callLine([{ function: { name: "weather", arguments: { city: "Oslo" } } }]),
      callLine([{ id: "x9", function: { name: "weather", arguments: '{"city":"Rome"}' } }]),
      doneLine(),
    ),
  );
  const events = (await Array.fromAsync(backend.run(request, never))).filter(({ kind }) => kind !== "loading");
  expect(events).toMatchObject([
    { kind: "tool-call", call: { id: expect.stringMatching(/^call_\w{24}$/), arguments: { city: "Oslo" } } },
    { kind: "tool-call", call: { id: "x9", arguments: { city: "Rome" } } },
    { kind: "done" },
  ]);
});

it.each([
  ["no name", [{ function: { arguments: {} } }]],
  ["arguments that are no object", [{ function: { name: "clock", arguments: "[1" } }]],
  ["no list", { function: {} }],
])("fails on a call with %s rather than leaving it out", async (_, calls) => {
  const { backend } = await startOllama(answering(callLine(calls), doneLine()));
  await expect(Array.fromAsync(backend.run(request, never))).rejects.toMatchObject({ kind: "bad-response" });
});

it("is made to call by a grammar where it has to, because Ollama knows no other way", async () => {
  const { backend, server } = await startOllama(answering(tokenLine("{}"), doneLine()));
  await Array.fromAsync(
    backend.run({ ...request, toolUse: { ...toolUse, choice: { kind: "required", name: "weather" } } }, never),
  );
  const body = JSON.parse(server.bodies.find((each) => each.includes("messages")) ?? "");
  expect(body.tools).toBeUndefined();
  expect(body.format).toMatchObject({
    properties: { name: { enum: ["weather"] }, arguments: { properties: { city: {} } } },
    required: ["name", "arguments"],
  });
  expect(body.messages.at(-1)).toMatchObject({ role: "system", content: expect.stringContaining("Tells the weather") });
});
