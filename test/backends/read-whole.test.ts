// Servers with OpenAI's API that keep a part of what does not fit, and say so in nothing but a number.
import { afterEach, describe, expect, it } from "vitest";
import { OpenAiBackend } from "../../src/backends/openai.ts";
import type { ChatMessage } from "../../src/core/chat-message.ts";
import { fewestTokens } from "../../src/core/context.ts";
import { request } from "./sample-request.ts";
import { type ScriptedServer, sendJson, startScriptedServer } from "./scripted-server.ts";

const never = new AbortController().signal;
let server: ScriptedServer | undefined;
afterEach(() => server?.close());

const user = (content: string): ChatMessage => ({ role: "user", content });
const prose = "The quick brown fox jumps over the lazy dog. ";

/** Reads four characters as a token, and no more than its window. @param counts how it tells what it read */
async function cuttingServer(window: number, counts: (read: number) => object = (read) => ({ prompt_tokens: read })) {
  server = await startScriptedServer({
    "POST /v1/chat/completions": (_, response, body) => {
      const { messages } = JSON.parse(body);
      const text = messages.map((message: ChatMessage) => message.content).join("");
      const usage = counts(Math.min(Math.ceil(text.length / 4), window));
      const chunks = [
        { choices: [{ delta: { content: "an answer" }, finish_reason: "stop" }] },
        { choices: [], usage },
      ];
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`${chunks.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("")}data: [DONE]\n\n`);
    },
    "POST /v1/embeddings": (_, response, body) => {
      const { input } = JSON.parse(body);
      const read = input.map((text: string) => Math.min(Math.ceil(text.length / 4), window));
      const usage = counts(read.reduce((sum: number, each: number) => sum + each, 0));
      sendJson(response, { data: input.map((_: string, index: number) => ({ index, embedding: [1] })), usage });
    },
  });
  const host = new URL(server.url).host;
  const backend = new OpenAiBackend({ name: "LM Studio", place: "this-machine", host, address: server.url });
  const ask = async (...messages: ChatMessage[]) => {
    const events = await Array.fromAsync(backend.run({ ...request, messages }, never));
    return events.at(-1)?.kind;
  };
  return { backend, ask };
}

describe("an answer from a part of the prompt", () => {
  it("is never called done: the server has read fewer tokens than the text can have", async () => {
    const { ask } = await cuttingServer(1000);
    expect(await ask(user(prose.repeat(50)))).toBe("done");
    const cut = ask(user(prose.repeat(200)));
    await expect(cut).rejects.toMatchObject({ kind: "context-overflow", details: { contextTokens: 1000 } });
    await expect(cut).rejects.toThrow(/LM Studio has read 1000 tokens of at least 1800/);
    await expect(ask(user("敏捷的棕色狐狸跳过了懒狗。".repeat(400)))).rejects.toMatchObject({
      kind: "context-overflow",
    });
  });

  it("is noticed in a long conversation as well, of a server that counts what it had read before", async () => {
    const { ask } = await cuttingServer(1000);
    const turn = (times: number): ChatMessage[] => [
      user(prose.repeat(times)),
      { role: "assistant", content: "Yes." },
      user("And then?"),
    ];
    expect(await ask(...turn(50))).toBe("done");
    await expect(ask(...turn(200))).rejects.toMatchObject({ kind: "context-overflow" });
  });

  it("is not held against a server that leaves out what it had read before, nor against one that counts nothing", async () => {
    const { ask } = await cuttingServer(100);
    expect(await ask(user(prose.repeat(200)), { role: "assistant", content: "Yes." }, user("Go on."))).toBe("done");
    await server?.close();
    const silent = await cuttingServer(100, () => ({ prompt_tokens: 0 }));
    expect(await silent.ask(user(prose.repeat(200)))).toBe("done");
  });

  it("is no vector of the text either, unless the end of it may be left out", async () => {
    const { backend } = await cuttingServer(1000);
    const texts = [prose.repeat(200), "short"];
    await expect(backend.embed({ model: "m", texts }, never)).rejects.toMatchObject({ kind: "context-overflow" });
    expect((await backend.embed({ model: "m", texts, mayCut: true }, never)).vectors).toHaveLength(2);
  });
});

it("the fewest tokens of a text are below what any model counts: signs, digits and code may be many to a token", () => {
  expect(fewestTokens(prose)).toBe(9);
  expect(fewestTokens("0123456789 ==== ---- \n\n\t\t {}")).toBe(0);
  expect(fewestTokens("getElementById(foo.bar)")).toBe(1);
  expect(fewestTokens("人工智能")).toBe(1);
});
