// llama.cpp's own server with a real model: what the scripted servers of the other tests say, said by the real one.
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallModel, testWeights, weightsOf } from "../../scripts/folders.ts";
import { findLlamaServer, type LlamaServer, startLlamaServer } from "../../scripts/llama-server.ts";
import { OpenAiBackend } from "../../src/backends/openai.ts";
import { runCommand } from "../harness/command-line.ts";
import { type TemporaryFolder, temporaryFolder } from "../harness/servers.ts";
import { colours, expectColour, expectRest, leave, said, shellOf, storyOf, withService } from "./real-server.ts";

const installed = findLlamaServer();
const never = new AbortController().signal;
const name = "smollm2-135m.gguf";
const request = storyOf(name);
const contextTokens = 1024;
let server: LlamaServer;
let backend: OpenAiBackend;
let home: TemporaryFolder;

describe.skipIf(!installed || testWeights() === "tiny")("llama.cpp's own server", { timeout: 240_000 }, () => {
  beforeAll(async () => {
    home = await temporaryFolder("home");
    server = await startLlamaServer(installed ?? "", weightsOf(smallModel), contextTokens);
    const host = new URL(server.url).host;
    backend = new OpenAiBackend({ name: host, host, place: "this-machine", address: server.url });
  }, 150_000);
  afterAll(async () => {
    await server?.stop();
    await home?.remove();
  });

  it("names its model by the file, without the folders that it tells, and tells size, window and abilities", async () => {
    const [model, ...others] = await backend.models(never);
    expect(model).toMatchObject({ name, contextTokens, goesOn: true, capabilities: ["completion"] });
    expect(model?.sizeBytes).toBeGreaterThan(90e6);
    expect(others).toEqual([]);
  });

  it("streams an answer with its figures", async () => {
    const { text, end } = await said(backend.run(request, never));
    expect(text).toMatch(/\w+ \w+/);
    expect(end).toMatchObject({ finish: "length", stats: { answerTokens: 30 } });
    expect(end.stats.promptTokens).toBeGreaterThan(8);
    expect(end.stats.decodeMs).toBeGreaterThan(0);
  });

  it("refuses a prompt that is longer than its window", async () => {
    const messages = [{ role: "user" as const, content: "word ".repeat(3000) }];
    await expect(said(backend.run({ ...request, messages }, never))).rejects.toMatchObject({
      kind: "context-overflow",
    });
  });

  it("stops when its reader leaves", async () => {
    await leave(backend.run({ ...request, maxTokens: 900 }, never));
    const isBusy = async () => JSON.stringify(await (await fetch(`${server.url}/slots`)).json());
    await expect.poll(isBusy, { timeout: 10_000 }).toContain('"is_processing":false');
  });

  it("goes on with an answer that is begun, and comes back with the rest alone", async () => {
    await expectRest(backend, request, never);
  });

  it("keeps to a JSON schema", async () => {
    await expectColour(backend, request, never);
  });

  it("says what it was not started for", async () => {
    await expect(backend.embed({ model: name, texts: ["A dog barks."] }, never)).rejects.toThrow(/embedding/i);
  });

  it("answers in the shell under its plain name; models are not got through it, and none is offered", async () => {
    const options = await shellOf(home, server.url);
    const { code, out, err } = await runCommand(["ask", "Say hello.", "--max-tokens", "12"], options);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/\w/) });
    expect(err).toContain(`Chat: ${name} (`);
    expect(err).toContain("this machine");
    const listed = await runCommand(["models", "--json"], options);
    expect(JSON.parse(listed.out)).toMatchObject({ installed: [{ name }], offers: [] });
    const pulled = await runCommand(["models", "pull", "qwen2.5:0.5b"], options);
    expect(pulled).toMatchObject({ code: 2, out: "" });
    expect(pulled.err).toMatch(/^switchyard: The models of 127\.0\.0\.1:\d+ are changed where it runs\.\s*$/);
  });

  it("is behind the service for OpenAI's own client", async () => {
    await withService(await shellOf(home, server.url), async (url, token) => {
      const baseURL = `${url}/v1`;
      const openai = new OpenAI({ baseURL, apiKey: token, maxRetries: 0 });
      const completion = await openai.chat.completions.create({
        model: "switchyard/auto",
        messages: [{ role: "user", content: "Say hello." }],
        max_tokens: 12,
      });
      expect(completion).toMatchObject({ model: name, usage: { completion_tokens: expect.any(Number) } });
      expect(completion.choices[0]?.message.content).toMatch(/\w/);
      // The template of this model leaves tools out, and the server says nothing: it answered in words.
      const asked = {
        model: name,
        messages: [{ role: "user" as const, content: "Paint the door green." }],
        tools: [{ type: "function" as const, function: { name: "paint", parameters: colours } }],
        max_tokens: 200,
      };
      const forced = await openai.chat.completions.create({ ...asked, tool_choice: "required" });
      expect(forced.choices[0]?.message.tool_calls).toMatchObject([
        { function: { name: "paint", arguments: expect.stringMatching(/^\{"colour":"(red|green)"\}$/) } },
      ]);
      await expect(openai.chat.completions.create(asked)).rejects.toMatchObject({ status: 400 });
    });
  });
});
