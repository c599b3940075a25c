// How long a client wants a model to stay loaded reaches its server.
import { expect, it } from "vitest";
import { doneLine } from "../backends/scripted-server.ts";
import { post, sayLines, startProxy } from "./harness.ts";

const model = "llama3.1:8b";
const messages = [{ role: "user", content: "hi" }];

it.each([
  ["1h30m", "1h30m"],
  [0, 0],
  ["-1", -1],
  ["600", 600],
  [null, expect.anything()],
])("as %j", async (given, told) => {
  const { url, asked } = await startProxy();
  await (await post(url, "/api/chat", { model, messages, keep_alive: given })).text();
  await (await post(url, "/api/generate", { model, prompt: "hello", keep_alive: given, stream: false })).text();
  expect(asked().map((each) => each.keep_alive)).toEqual([told, told]);
});

it("also where it is only to be loaded; what is no duration is refused", async () => {
  const { url, asked } = await startProxy({ chat: sayLines(doneLine()) });
  expect(await (await post(url, "/api/generate", { model, keep_alive: -1 })).json()).toMatchObject({
    done_reason: "load",
  });
  expect(asked().at(-1)).toMatchObject({ messages: [], keep_alive: -1 });
  for (const off of [0, "0", "0s", "0m"]) {
    const answer = await post(url, "/api/chat", { model, messages: [], keep_alive: off });
    expect(await answer.json()).toMatchObject({ done_reason: "unload" });
    expect(asked().at(-1)).toMatchObject({ messages: [], keep_alive: 0 });
  }
  expect((await post(url, "/api/chat", { model, messages, keep_alive: "soon" })).status).toBe(400);
});
