import { expect, it } from "vitest";
import { TaskError } from "../../src/core/task-error.ts";
import { all, chat, done, never, pipelineWith, textOf } from "./pipeline-parts.ts";

it("says where the task runs before anything else, and ends with the server's figures", async () => {
  const { pipeline } = pipelineWith({});
  const events = await all(pipeline.run(chat, never));
  expect(events.map((event) => event.kind)).toEqual(["routed", "text", "done"]);
  expect(events[0]).toMatchObject({ route: { task: "chat", model: "llama3.1:8b", place: "this-machine" } });
  expect(events.at(-1)).toEqual(done);
});

it("refuses to work on nothing", async () => {
  const { pipeline, requests } = pipelineWith({});
  await expect(all(pipeline.run({ ...chat, text: "  \n" }, never))).rejects.toMatchObject({ kind: "bad-input" });
  expect(requests).toHaveLength(0);
});

it("refuses a prompt that does not fit with numbers, and sends nothing", async () => {
  const { pipeline, requests } = pipelineWith({});
  const long = { ...chat, text: "word ".repeat(20_000) };
  const error = await all(pipeline.run(long, never)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(TaskError);
  expect(error).toMatchObject({ kind: "context-overflow", details: { contextTokens: 8192, remedies: { models: [] } } });
  expect(String(error)).toContain("8192");
  expect(requests).toHaveLength(0);
});

it("names the setting when it is what limits the context", async () => {
  const { pipeline } = pipelineWith({ settings: { maxContextTokens: 2048 } });
  await expect(all(pipeline.run({ ...chat, text: "word ".repeat(5000) }, never))).rejects.toThrow(
    /switchyard\.maxContextTokens.*8192/,
  );
});

it("parts what can be parted: a document and a source ten times the window are worked on whole, in pieces that fit", async () => {
  const prose = Array.from(
    { length: 1500 },
    (_, at) => `Paragraph ${at} says what the ${at}th part of the engine does, and why.`,
  );
  const code = Array.from(
    { length: 3000 },
    (_, at) => `export function f${at}(a: number): number {\n  return a * ${at};\n}\n`,
  );
  for (const [kind, languageId, text] of [
    ["translate", "markdown", prose.join("\n\n")],
    ["translate", "plaintext", prose.join("\n")],
    ["review", "typescript", code.join("\n")],
  ] as const) {
    const { pipeline, requests } = pipelineWith({
      model: { contextTokens: 4096 },
      settings: { maxContextTokens: 4096 },
    });
    const source = { uri: "file:///a", label: "a", text, languageId, origin: "file" as const };
    await all(pipeline.run({ kind, text: "", sources: [source], history: [] }, never));
    expect(requests.length).toBeGreaterThan(10);
    const sent = requests.map((request) => request.messages.map((message) => message.content).join("\n"));
    for (const each of sent) expect(each.length / 4).toBeLessThan(4096);
    for (const at of [0, 700, 1499]) {
      const mark = kind === "review" ? `function f${at}(` : `Paragraph ${at} says`;
      expect(sent.some((each) => each.includes(mark))).toBe(true);
    }
  }
});

it("never lets an answer grow past the context, where the server would drop the start of the prompt", async () => {
  const { pipeline, requests } = pipelineWith({});
  await all(pipeline.run({ ...chat, text: "word ".repeat(3000) }, never));
  const [request] = requests;
  // Each word is a token.
  const promptTokens = (request?.messages ?? []).reduce((sum, each) => sum + each.content.split(" ").length, 0);
  expect(promptTokens).toBeGreaterThan(3000);
  expect(promptTokens + (request?.maxTokens ?? Number.NaN)).toBeLessThanOrEqual(request?.contextTokens ?? 0);
});

it("samples as the task says, unless the settings or the ask say otherwise", async () => {
  const { pipeline, requests } = pipelineWith({ settings: { sampling: { create: { topP: 0.5 } } } });
  await all(pipeline.run({ ...chat, kind: "create", sampling: { repeatPenalty: 1.2 } }, never));
  expect(requests[0]?.sampling).toEqual({ temperature: 0.8, topP: 0.5, repeatPenalty: 1.2 });
});

it("says that complex reasoning stays on this machine", async () => {
  const { pipeline } = pipelineWith({});
  const events = await all(pipeline.run({ ...chat, kind: "analyze" }, never));
  expect(events[1]).toMatchObject({ kind: "notice", text: { args: ["llama3.1:8b"] } });
});

it("stops the model when its reader leaves", async () => {
  const { pipeline, state } = pipelineWith({
    answer: () => Array.from({ length: 100 }, () => ({ kind: "text", text: "on " }) as const),
  });
  for await (const event of pipeline.run(chat, never)) if (event.kind === "text") break;
  expect(state.running).toBe(0);
});

it("adds the figures of several requests up, in order, with text between them as it is", async () => {
  const step = (content: string) => ({ kind: "prompt", messages: [{ role: "user", content }] }) as const;
  const { pipeline } = pipelineWith({
    chat: { plan: () => [step("one"), { kind: "literal", text: "|" }, step("two")] },
    answer: (request) => [{ kind: "text", text: request.messages[0]?.content ?? "" }, done],
  });
  const events = await all(pipeline.run(chat, never));
  expect(textOf(events)).toBe("one|two");
  expect(events.at(-1)).toMatchObject({ kind: "done", stats: { promptTokens: 10, answerTokens: 4, decodeMs: 40 } });
});

it("shows thinking as it comes and gives the reader of a task only the text", async () => {
  const { pipeline } = pipelineWith({
    answer: () => [{ kind: "thinking", text: "hm" }, { kind: "text", text: "a" }, { kind: "text", text: "b" }, done],
    chat: {
      plan: () => [
        {
          kind: "prompt",
          messages: [{ role: "user", content: "x" }],
          read: async function* (pieces) {
            for await (const piece of pieces) yield { kind: "text", text: piece.toUpperCase() };
          },
        },
      ],
    },
  });
  const events = await all(pipeline.run(chat, never));
  expect(events.map((event) => event.kind)).toEqual(["routed", "thinking", "text", "text", "done"]);
  expect(textOf(events)).toBe("AB");
});
