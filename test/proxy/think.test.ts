// How much a client wants a model to think reaches a model that knows degrees, in every dialect; others think or do not.
import { expect, it } from "vitest";
import { post, startProxy, tag } from "./harness.ts";

const messages = [{ role: "user", content: "hi" }];
const models = ["gpt-oss:20b", "qwen3:8b", "plain:1b"].map((name) =>
  tag(name, "completion", ...(name === "plain:1b" ? [] : ["thinking"])),
);
const ways: readonly (readonly [string, (effort: string) => object])[] = [
  ["/v1/chat/completions", (effort) => ({ messages, reasoning_effort: effort })],
  ["/v1/chat/completions", (effort) => ({ messages, reasoning: { effort } })],
  ["/v1/responses", (effort) => ({ input: "hi", reasoning: { effort } })],
  [
    "/v1/messages",
    (effort) => ({ messages, max_tokens: 9, thinking: { type: "adaptive" }, output_config: { effort } }),
  ],
  ["/api/chat", (effort) => ({ messages, think: effort })],
];

it.each(ways)("in %s", async (path, body) => {
  const { url, asked } = await startProxy({ models });
  const told = async (model: string, effort: string) => {
    await (await post(url, path, { model, ...body(effort) })).text();
    return asked().at(-1)?.think;
  };
  expect(await told("gpt-oss:20b", "high")).toBe("high");
  expect(await told("gpt-oss:20b", "low")).toBe("low");
  expect(await told("qwen3:8b", "medium")).toBe(true);
  expect(await told("plain:1b", "high")).toBe(false);
});

it("and none is none, or as little as the model can", async () => {
  const { url, asked } = await startProxy({ models });
  for (const model of ["qwen3:8b", "gpt-oss:20b"])
    await (await post(url, "/api/chat", { model, messages, think: false })).text();
  expect(asked().map(({ think }) => think)).toEqual([false, "low"]);
});
