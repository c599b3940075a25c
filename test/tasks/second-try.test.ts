import { expect, it } from "vitest";
import { formatMessage } from "../../src/core/message.ts";
import { all, chat, done, never, pipelineWith, textOf } from "./pipeline-parts.ts";

it("asks a checked part once more, then puts the original in its place and says which part", async () => {
  const { pipeline, requests } = pipelineWith({
    chat: {
      plan: () => [
        { kind: "literal", text: "# One\n\n" },
        {
          kind: "prompt",
          messages: [{ role: "user", content: "translate ⟦1⟧" }],
          check: {
            accept: (answer) => answer.includes("⟦1⟧"),
            otherwise: "the original",
            lines: { first: 3, last: 4 },
          },
        },
        { kind: "prompt", messages: [{ role: "user", content: "hello" }] },
      ],
    },
  });
  const events = await all(pipeline.run(chat, never));
  expect(requests).toHaveLength(3);
  expect(textOf(events)).toContain("the original");
  const notices = events.flatMap((event) => (event.kind === "notice" ? [formatMessage(event.text)] : []));
  expect(notices).toEqual([expect.stringContaining("1 of 2 parts. The original stands in lines 3–4.")]);
  const places = events.flatMap((event) => (event.kind === "notice" ? (event.places ?? []) : []));
  expect(places).toEqual([textOf(events).indexOf("the original")]);
});

it("takes the second answer when only the first was refused", async () => {
  const { pipeline } = pipelineWith({
    answer: (_, call) => [{ kind: "text", text: call === 1 ? "bad" : "good" }, done],
    chat: {
      plan: () => [
        {
          kind: "prompt",
          messages: [{ role: "user", content: "x" }],
          check: { accept: (answer) => answer === "good", otherwise: "the original", lines: { first: 3, last: 4 } },
        },
      ],
    },
  });
  expect(textOf(await all(pipeline.run(chat, never)))).toBe("good");
});

it("asks once more when the model begins in another language, and shows only the second answer", async () => {
  const english = "This function computes the mean of the numbers it is given and returns it to the caller. ".repeat(3);
  const { pipeline, requests, state } = pipelineWith({
    answer: (_, call) => [{ kind: "text", text: call === 1 ? english : "这个函数计算平均值。" }, done],
  });
  const events = await all(pipeline.run({ ...chat, text: "这个函数做什么？" }, never));
  expect(textOf(events)).toBe("这个函数计算平均值。");
  expect(requests).toHaveLength(2);
  expect(requests[1]?.messages.at(-1)?.content).toContain("只用简体中文");
  expect(requests[1]?.sampling.temperature).toBeGreaterThan(requests[0]?.sampling.temperature ?? 1);
  expect(events.some((event) => event.kind === "notice")).toBe(true);
  expect(state.running).toBe(0);
});

it("says so where the second answer is in another language as well", async () => {
  const english = "This function computes the mean of the numbers it is given and returns it to the caller. ".repeat(3);
  const { pipeline, requests } = pipelineWith({ answer: () => [{ kind: "text", text: english }, done] });
  const events = await all(pipeline.run({ ...chat, text: "这个函数做什么？" }, never));
  expect(requests).toHaveLength(2);
  expect(textOf(events)).toBe(english);
  expect(events.at(-2)).toMatchObject({ kind: "notice", failed: "language" });
});

const loop = Array.from(
  { length: 60 },
  () => ({ kind: "text", text: "It depends on many things, as always. " }) as const,
);

it("lets a model that repeats itself go on once from what was good, with other sampling, and says so", async () => {
  const { pipeline, requests } = pipelineWith({
    answer: (_, call) =>
      call === 1
        ? [{ kind: "text", text: "First, measure: " }, ...loop]
        : [{ kind: "text", text: "Then decide." }, done],
  });
  const events = await all(pipeline.run(chat, never));
  expect(textOf(events)).toMatch(/^First, measure: It depends .*Then decide\.$/s);
  expect(requests).toHaveLength(2);
  expect(requests[1]?.messages.at(-2)).toEqual({
    role: "assistant",
    content: "First, measure: It depends on many things, as always.",
  });
  expect(requests[1]?.sampling.repeatPenalty).toBeGreaterThan(requests[0]?.sampling.repeatPenalty ?? 2);
  expect(events.filter((event) => event.kind === "notice")).toHaveLength(1);
  expect(events.filter((event) => event.kind === "done")).toHaveLength(1);
});

it("asks only once more: a model that repeats itself again is stopped for good", async () => {
  const { pipeline, requests, state } = pipelineWith({ answer: () => [{ kind: "text", text: "Well. " }, ...loop] });
  const events = await all(pipeline.run(chat, never));
  expect(requests).toHaveLength(2);
  expect(events.filter((event) => event.kind === "notice")).toHaveLength(2);
  expect(events.at(-1)?.kind).toBe("done");
  expect(state.running).toBe(0);
});

it("does not buy a second answer of a cloud, nor put words into another program's conversation", async () => {
  const answer = () => loop;
  const cloud = pipelineWith({ answer, model: { place: "cloud" }, mayLeave: true });
  await all(cloud.pipeline.run({ ...chat, model: "llama3.1:8b" }, never));
  const other = pipelineWith({ answer });
  await all(other.pipeline.run({ ...chat, ownPrompt: { system: "" } }, never));
  expect([cloud.requests.length, other.requests.length]).toEqual([1, 1]);
});
