// The built-in engine with a model on disk, through the `ollama` client: every call of it is an acceptance test.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Ollama } from "ollama";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallModel, testHome, testWeights } from "../../scripts/folders.ts";
import { installTinyModel } from "../../scripts/tiny-model.ts";
import { createEmbeddedEngine, type EmbeddedEngine } from "../../src/backends/embedded/launch.ts";
import { readRegistration } from "../../src/backends/embedded/registration.ts";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import type { ModelRequest } from "../../src/core/backend.ts";
import { productHome } from "../harness/product-home.ts";
import type { TemporaryFolder } from "../harness/servers.ts";

const never = new AbortController().signal;
const logged: string[] = [];
const engines: EmbeddedEngine[] = [];
const isTiny = testWeights() === "tiny";
let folder: TemporaryFolder;
let home = "";
let url = "";
let ollama: Ollama;

function newEngine(): EmbeddedEngine {
  const entry = new URL("../../src/backends/embedded/main.ts", import.meta.url).pathname;
  const engine = createEmbeddedEngine({ home, entry, log: (_, text) => logged.push(text), weightSources: () => [] });
  engines.push(engine);
  return engine;
}

beforeAll(async () => {
  if (isTiny) await installTinyModel(testHome(), smallModel);
  // The weights of the cache under a home of our own, so that this engine is ours alone.
  folder = await productHome();
  home = folder.path;
  url = await newEngine().address(never);
  ollama = new Ollama({ host: url });
});

afterAll(async () => {
  const registration = await readRegistration(home);
  for (const engine of engines) engine.dispose();
  if (registration) process.kill(registration.pid);
  await folder.remove();
});

const hello = [{ role: "user", content: "Say hello." }];
/** No model has told one in a few tokens. */
const story = [{ role: "user", content: "Tell me a story." }];

describe("the built-in engine", () => {
  it("is told where weights are by a file that only its owner can read: a password may be in an address", async () => {
    const { mode } = await stat(join(home, "weight-sources.json"));
    expect(mode & 0o777).toBe(0o600);
  });

  it("lists, shows and reports its models as Ollama does", async () => {
    const { models } = await ollama.list();
    const model = models.find((each) => each.name === smallModel);
    const { size } = await stat(join(home, "models", "smollm2-135m.gguf"));
    expect(model).toMatchObject({ details: { family: "llama", quantization_level: isTiny ? "F32" : "Q4_1" }, size });
    const shown = await ollama.show({ model: smallModel });
    expect(shown.capabilities).toContain("completion");
    await ollama.chat({ model: smallModel, messages: [] });
    const { models: loaded } = await ollama.ps();
    expect(loaded[0]).toMatchObject({ name: smallModel, context_length: 4096 });
  });

  it("streams a chat, and its last line has Ollama's figures in nanoseconds", async () => {
    let text = "";
    let last: Record<string, unknown> = {};
    for await (const part of await ollama.chat({ model: smallModel, messages: hello, stream: true })) {
      text += part.message.content;
      last = { ...part };
    }
    expect(text.length).toBeGreaterThan(3);
    expect(last).toMatchObject({ done: true, done_reason: "stop" });
    const rate = (Number(last["eval_count"]) / Number(last["eval_duration"])) * 1e9;
    expect(rate).toBeGreaterThan(1);
    expect(rate).toBeLessThan(5000);
    expect(last["prompt_eval_count"]).toBeGreaterThan(5);
  });

  it("answers whole when streaming is off, for chat and generate alike", async () => {
    const chat = await ollama.chat({ model: smallModel, messages: story, options: { num_predict: 5 } });
    expect(chat.message.content).not.toBe("");
    expect(chat.done_reason).toBe("length");
    const generated = await ollama.generate({
      model: smallModel,
      prompt: "Tell me a story.",
      options: { num_predict: 5 },
    });
    expect(generated.response).not.toBe("");
    expect(generated.eval_count).toBe(5);
  });

  it("gives the same answer for the same seed", async () => {
    const ask = () =>
      ollama.generate({
        model: smallModel,
        prompt: "Tell me a fact.",
        options: { seed: 7, temperature: 1, num_predict: 12 },
      });
    expect((await ask()).response).toBe((await ask()).response);
  });

  it("ends at a stop string and does not show it", async () => {
    const ask = async (stop: string[]) => {
      const options = { temperature: 0, num_predict: 30, stop };
      return (await ollama.generate({ model: smallModel, prompt: "Tell me a story.", options })).response ?? "";
    };
    const whole = await ask([]);
    const stop = whole.slice(12, 15);
    expect(stop).toHaveLength(3);
    expect(await ask([stop])).toBe(whole.slice(0, whole.indexOf(stop)));
  });

  it.skipIf(isTiny)("answers a question with the sense a small model has", async () => {
    const options = { temperature: 0, num_predict: 40 };
    const { response } = await ollama.generate({
      model: smallModel,
      prompt: "What is the capital of France?",
      options,
    });
    expect(response).toContain("Paris");
  });

  it("keeps to a JSON schema", async () => {
    const format = {
      type: "object",
      properties: { name: { type: "string", maxLength: 20 }, age: { type: "integer" } },
      required: ["name", "age"],
    };
    const { response } = await ollama.generate({
      model: smallModel,
      prompt: "Describe a person.",
      format,
      options: { num_predict: 80 },
    });
    expect(Object.keys(JSON.parse(response ?? ""))).toEqual(["name", "age"]);
  });

  it("refuses a prompt that does not fit, with the numbers, and answers nothing", async () => {
    const response = await fetch(`${url}/api/chat`, {
      method: "POST",
      body: JSON.stringify({
        model: smallModel,
        messages: [{ role: "user", content: "word ".repeat(600) }],
        options: { num_ctx: 256 },
        truncate: false,
      }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: "exceed_context_size_error",
      n_ctx: 256,
      n_prompt_tokens: expect.any(Number),
    });
  });

  it("draws the same answer of the same seed, and another of another or of none", async () => {
    const draw = async (seed: number) => {
      const options = { num_predict: 30, temperature: 1.5, seed };
      return (await ollama.chat({ model: smallModel, messages: story, options })).message.content;
    };
    const first = await draw(7);
    expect(await draw(7)).toBe(first);
    expect(await draw(8)).not.toBe(first);
    expect(await draw(-1)).not.toBe(await draw(0));
  });

  it("heeds penalties of presence and of frequency also where repeating costs nothing", async () => {
    const answer = async (more: object) => {
      const options = { num_predict: 60, temperature: 0, repeat_penalty: 1, repeat_last_n: -1, ...more };
      return (await ollama.chat({ model: smallModel, messages: story, options })).message.content;
    };
    const plain = await answer({});
    expect(await answer({ frequency_penalty: 2 })).not.toBe(plain);
    expect(await answer({ presence_penalty: 2 })).not.toBe(plain);
  });

  it("embeds texts as vectors of one length", async () => {
    const { embeddings } = await ollama.embed({ model: smallModel, input: ["a", "something else"] });
    expect(embeddings).toHaveLength(2);
    expect(embeddings[0]?.length).toBe(embeddings[1]?.length);
  });

  it("stops generating when the client leaves, and is free for the next one", async () => {
    const stream = await ollama.generate({
      model: smallModel,
      prompt: "Write a very long story.",
      stream: true,
      options: { num_predict: 2000 },
    });
    let seen = 0;
    for await (const _ of stream) if (++seen === 3) break;
    stream.abort();
    const startMs = performance.now();
    await ollama.generate({ model: smallModel, prompt: "Hi", options: { num_predict: 1 } });
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });

  it("is seen to be idle after a stop, and keeps its model", async () => {
    const unstopped: string[] = [];
    const backend = new OllamaBackend({
      name: "engine",
      place: "this-machine",
      address: async () => url,
      onUnstopped: (model) => unstopped.push(model),
    });
    const request: ModelRequest = {
      model: smallModel,
      messages: [{ role: "user", content: "Tell me a story." }],
      sampling: { temperature: 0.8, topP: 0.9, repeatPenalty: 1.1 },
      contextTokens: 4096,
      keepAlive: "10m",
      think: false,
    };
    let isBusy = false;
    let pieces = 0;
    for await (const event of backend.run(request, never)) {
      if (event.kind !== "text") continue;
      isBusy ||= JSON.stringify(await ollama.ps()).includes('"asked_at"');
      if (++pieces === 2) break;
    }
    await backend.settled();
    expect(isBusy).toBe(true);
    expect(unstopped).toEqual([]);
    const left = JSON.stringify(await ollama.ps());
    expect(left).toContain('"answering":null');
    expect(left).toContain(smallModel);
  });

  it("tells how much of a model is in memory while it is loaded", async () => {
    await ollama.generate({ model: smallModel, prompt: "", keep_alive: 0 });
    const loading = ollama.chat({ model: smallModel, messages: [] });
    const seen: string[] = [];
    let isLoaded = false;
    void loading.then(() => {
      isLoaded = true;
    });
    while (!isLoaded) seen.push(JSON.stringify(await ollama.ps()));
    expect(seen.some((text) => /"loading":\{"completed":\d+,"total":\d+\}/.test(text))).toBe(true);
    expect(JSON.stringify(await ollama.ps())).not.toContain('"loading"');
  });

  it("unloads a model at once when asked", async () => {
    await ollama.generate({ model: smallModel, prompt: "", keep_alive: 0 });
    expect((await ollama.ps()).models).toEqual([]);
  });

  it("says what it does not have and what it cannot do", async () => {
    await expect(ollama.show({ model: "nothing:1b" })).rejects.toMatchObject({ status_code: 404 });
    await expect(ollama.chat({ model: "nothing:1b", messages: hello })).rejects.toThrow("model 'nothing:1b' not found");
    await expect(ollama.copy({ source: "a", destination: "b" })).rejects.toMatchObject({ status_code: 501 });
    const image = { model: smallModel, messages: [{ role: "user", content: "what is this", images: ["AAAA"] }] };
    await expect(ollama.chat(image)).rejects.toMatchObject({ status_code: 400 });
    const asked = { model: smallModel, prompt: "a" };
    await expect(ollama.generate({ ...asked, suffix: "b" })).rejects.toThrow("does not support insert");
    await expect(ollama.generate({ ...asked, think: true })).rejects.toThrow("does not support thinking");
    await expect(ollama.generate({ ...asked, template: "{{ .Prompt }}" })).rejects.toMatchObject({ status_code: 501 });
    expect((await fetch(`${url}/api/chat`, { method: "POST", body: "{" })).status).toBe(400);
    await expect(ollama.delete({ model: "nothing:1b" })).rejects.toMatchObject({ status_code: 404 });
  });

  it("pulls what it has already without asking anybody", async () => {
    const statuses: string[] = [];
    for await (const part of await ollama.pull({ model: smallModel, stream: true })) statuses.push(part.status);
    expect(statuses).toEqual(["pulling manifest", "success"]);
  });

  it("gives web pages nothing, whatever name they call it by", async () => {
    expect((await fetch(`${url}/api/tags`, { headers: { origin: "https://evil.example" } })).status).toBe(403);
    expect((await fetch(`${url}/api/tags`, { headers: { origin: "null" } })).status).toBe(403);
    const { request } = await import("node:http");
    const status = await new Promise((resolve) => {
      request(`${url}/api/tags`, { headers: { host: "evil.example" } }, (response) =>
        resolve(response.statusCode),
      ).end();
    });
    expect(status).toBe(403);
  });

  it("is one engine for many who start it at once", async () => {
    const urls = await Promise.all(Array.from({ length: 20 }, () => newEngine().address(never)));
    expect(new Set(urls)).toEqual(new Set([url]));
  });

  it("starts again after a crash, and the crash is told", async () => {
    const before = await readRegistration(home);
    const told = logged.length;
    process.kill(before?.pid ?? 0, "SIGKILL");
    await expect.poll(() => logged.slice(told).some((text) => text.includes("stopped"))).toBe(true);
    const again = await engines[0]?.address(never);
    expect((await readRegistration(home))?.pid).not.toBe(before?.pid);
    expect((await fetch(`${again}/api/version`)).status).toBe(200);
  });
});
