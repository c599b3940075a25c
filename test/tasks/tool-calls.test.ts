import { expect, it } from "vitest";
import type { ModelEvent } from "../../src/core/model-event.ts";
import type { ToolUse } from "../../src/core/tool.ts";
import { readToolCalls } from "../../src/tasks/tool-calls.ts";

const stats = { promptTokens: 1, answerTokens: 1, loadMs: 0, prefillMs: 0, decodeMs: 0 };
const done: ModelEvent = { kind: "done", stats, finish: "stop" };
const text = (said: string): ModelEvent => ({ kind: "text", text: said });
const use: ToolUse = { tools: [{ name: "clock", parameters: {} }], choice: { kind: "auto" }, isParallel: true };
const made: ModelEvent = { kind: "tool-call", call: { id: "1", name: "clock", arguments: {} } };
const printed = '{"name": "clock", "arguments": {"zone": "UTC"}}';

async function read(events: readonly ModelEvent[], over: Partial<ToolUse> = {}): Promise<readonly ModelEvent[]> {
  const list: ModelEvent[] = [];
  const source = (async function* () {
    yield* events;
  })();
  for await (const event of readToolCalls(source, { ...use, ...over })) list.push(event);
  return list;
}

it("makes a call of one that a model printed", async () => {
  expect(await read([text(printed.slice(0, 9)), text(printed.slice(9)), done])).toMatchObject([
    { kind: "tool-call", call: { name: "clock", arguments: { zone: "UTC" } } },
    { kind: "done" },
  ]);
});

it("never makes a call of an answer that was cut", async () => {
  const cut: ModelEvent = { kind: "done", stats, finish: "length" };
  expect(await read([text(printed), cut])).toEqual([text(printed), cut]);
});

it("lets one call through where only one may be made", async () => {
  expect(await read([made, made, done], { isParallel: false })).toEqual([made, done]);
  expect(await read([made, made, done])).toEqual([made, made, done]);
});

it("is an error where the model had to call and did not, and none where it ran out of room", async () => {
  const required: ToolUse["choice"] = { kind: "required" };
  await expect(read([text("No."), done], { choice: required })).rejects.toMatchObject({ kind: "bad-response" });
  expect(await read([text(printed), done], { choice: required })).toHaveLength(2);
});
