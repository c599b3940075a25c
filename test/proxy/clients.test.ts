// What all clients get.
import { expect, it } from "vitest";
import { beginLines, tokenLine } from "../backends/scripted-server.ts";
import { openaiFor, question } from "./clients.ts";
import { known, post, startProxy } from "./harness.ts";

it("pings while nothing comes, in each dialect's own way", async () => {
  const chat = (_: unknown, response: import("node:http").ServerResponse) => {
    beginLines(response);
    setTimeout(() => response.end(`${tokenLine("late")}${JSON.stringify({ done: true, done_reason: "stop" })}\n`), 300);
  };
  const running = await startProxy({ chat, options: { beatMs: 50 } });
  const base = { model: "switchyard/auto", max_tokens: 10, messages: question, stream: true };
  const anthropic = await (await post(running.url, "/v1/messages", base)).text();
  expect(anthropic.match(/event: ping/g)?.length).toBeGreaterThan(2);
  expect(anthropic.indexOf("message_start")).toBeLessThan(anthropic.indexOf("event: ping"));
  expect(anthropic).toContain("message_stop");
  const again = [{ role: "user", content: "hi again" }];
  const openai = await (await post(running.url, "/v1/chat/completions", { ...base, messages: again })).text();
  expect(openai).toContain(": waiting");
  expect(openai.trimEnd().endsWith("data: [DONE]")).toBe(true);
  const third = { ...base, messages: [{ role: "user", content: "hi once more" }] };
  const lines = (await (await post(running.url, "/api/chat", third)).text()).trimEnd().split("\n");
  const parts: { done: boolean; message: { content: string } }[] = lines.map((line) => JSON.parse(line));
  expect(parts.filter((part) => !part.done && part.message.content === "").length).toBeGreaterThan(2);
  expect(parts.map((part) => part.message.content).join("")).toBe("late");
});

it("tells in headers which model answered, where, why, and that a second answer was known", async () => {
  const running = await startProxy();
  const body = { prompt: "Write a function that adds two numbers", temperature: 0.1 };
  const first = await post(running.url, "/api/generate", body);
  expect(await first.json()).toMatchObject({ response: "Hello 世界" });
  expect(Object.fromEntries(first.headers)).toMatchObject({
    "x-switchyard-task": "code",
    "x-switchyard-model": "llama3.1:8b",
    "x-switchyard-place": "this-machine",
    "x-switchyard-cache": "miss",
    "x-switchyard-why": expect.stringMatching(/\w/),
  });
  const streamed = await post(running.url, "/api/generate", { ...body, stream: true });
  expect(streamed.headers.get("x-switchyard-cache")).toBe("hit");
  expect(await streamed.text()).toContain("Hello 世界");
  expect(running.asked()).toHaveLength(1);
});

it("runs the design's own call: prompt, model, temperature, maxTokens and task_type", async () => {
  const running = await startProxy();
  const body = {
    prompt: "Good morning.",
    model: "llama3.1:8b",
    temperature: 0.2,
    maxTokens: 77,
    task_type: "translation",
  };
  const answer = await post(running.url, "/api/generate", body);
  expect(answer.headers.get("content-type")).toContain("application/json");
  expect(answer.headers.get("x-switchyard-task")).toBe("translate");
  expect(await answer.json()).toMatchObject({ response: expect.stringContaining("Hello") });
  expect(running.asked()[0]?.options).toMatchObject({ temperature: 0.2 });
  expect(running.asked()[0]?.messages[0]?.content).toContain("ranslat");
  expect((await post(running.url, "/api/generate", { prompt: "x", task_type: "dance" })).status).toBe(400);
});

it("says that it is well to anyone, and how its parts are to who knows the token", async () => {
  const { url } = await startProxy();
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "ok" });
  expect(await (await fetch(`${url}/health`, { headers: known })).json()).toMatchObject({
    status: "ok",
    version: "1.2.3",
    parts: { proxy: { status: "ok" }, models: { status: "ok", installed: 2 } },
  });
});

it("lets nothing leave: a model that is not on this machine is refused", async () => {
  const running = await startProxy();
  const answer = await post(running.url, "/api/chat", { model: "big:cloud", messages: question });
  expect(answer.status).toBe(403);
  expect(running.asked()).toEqual([]);
});

it("does a task as the product does it where the task is named as the model, unless the client says how", async () => {
  const running = await startProxy();
  const { completions } = openaiFor(running).chat;
  const base = { model: "switchyard/translate", messages: [{ role: "user" as const, content: "Good morning." }] };
  await completions.create(base);
  await completions.create({ ...base, messages: [{ role: "system", content: "Into French." }, ...base.messages] });
  const [ours, theirs] = running.asked();
  expect(ours?.messages[0]?.content).toContain("ranslat");
  expect(theirs?.messages.map((message) => message.content)).toEqual(["Into French.", "Good morning."]);
});
