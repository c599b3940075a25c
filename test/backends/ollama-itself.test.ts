// Ollama itself, where one is installed or was built (`node scripts/ollama.ts`): what the scripted servers of the other
// tests say, said by the real one.
import { Ollama } from "ollama";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallModel, testWeights, weightsOf } from "../../scripts/folders.ts";
import { findOllama, type OllamaServer, startRealOllama } from "../../scripts/ollama.ts";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import { estimateTokens } from "../../src/core/estimate-tokens.ts";
import { type CommandOptions, runCommand } from "../harness/command-line.ts";
import { type TemporaryFolder, temporaryFolder } from "../harness/servers.ts";
import { expectColour, expectRest, leave, said, storyOf, withService } from "./real-server.ts";

const program = findOllama();
const never = new AbortController().signal;
const request = storyOf(smallModel);
let server: OllamaServer;
let backend: OllamaBackend;
const folders: TemporaryFolder[] = [];

async function folder(name: string): Promise<string> {
  const made = await temporaryFolder(name);
  folders.push(made);
  return made.path;
}

/** A home of the product that asks this server and no other. */
async function shell(): Promise<CommandOptions> {
  return { env: { SWITCHYARD_HOME: await folder("home"), OLLAMA_HOST: server.url, SWITCHYARD_ENGINE: "ollama" } };
}

describe.skipIf(!program || testWeights() === "tiny")("Ollama itself", { timeout: 240_000 }, () => {
  beforeAll(async () => {
    server = await startRealOllama(program ?? "", await folder("ollama"));
    await server.create(smallModel, weightsOf(smallModel));
    backend = new OllamaBackend({ name: "Ollama", place: "this-machine", address: async () => server.url });
  }, 240_000);
  afterAll(async () => {
    await server?.stop();
    await Promise.all(folders.map((each) => each.remove()));
  });

  it("tells its models with size, window and what they can do, and the shape by which memory is reckoned", async () => {
    const [model] = await backend.models(never);
    expect(model).toMatchObject({ name: smallModel, contextTokens: 8192, quantization: "Q4_1", goesOn: true });
    expect(model?.capabilities).toContain("completion");
    expect(model?.sizeBytes).toBeGreaterThan(90e6);
    const { shape } = (await backend.details?.(smallModel, never)) ?? {};
    expect(shape).toEqual({ layers: 30, kvHeads: 3, keyLength: 64, valueLength: 64 });
  });

  it("streams an answer and counts as we do: never more tokens than were reckoned beforehand", async () => {
    const { text, end } = await said(backend.run(request, never));
    expect(text).toMatch(/\w+ \w+/);
    expect(end).toMatchObject({ kind: "done", finish: "length", stats: { answerTokens: 30 } });
    expect(end.stats.decodeMs).toBeGreaterThan(0);
    expect(end.stats.promptTokens).toBeGreaterThan(8);
    const prose = "The quick brown fox jumps over the lazy dog, 你好世界, while x += arr[i] * 0x1F;\n".repeat(12);
    const long = await said(
      backend.run({ ...request, maxTokens: 1, messages: [{ role: "user", content: prose }] }, never),
    );
    expect(long.end.stats.promptTokens).toBeLessThanOrEqual(estimateTokens(prose) * 1.1 + 40);
  });

  it("has the window that is asked for, tells it, and gives it up when it is asked to", async () => {
    await backend.load(smallModel, { contextTokens: 1024, keepAlive: "10m" }, never);
    const [loaded] = await backend.loaded(never);
    expect(loaded).toMatchObject({ name: smallModel, contextTokens: 1024, vramBytes: 0 });
    await backend.unload(smallModel, never);
    await expect.poll(() => backend.loaded(never), { timeout: 30_000 }).toEqual([]);
  });

  it("refuses a prompt that is longer than its window, with the numbers, and is never let to cut it", async () => {
    const messages = [{ role: "user" as const, content: "word ".repeat(3000) }];
    const whole = said(backend.run({ ...request, contextTokens: 512, messages }, never));
    await expect(whole).rejects.toMatchObject({ kind: "context-overflow" });
  });

  it("stops when its reader leaves, and is free for the next one", async () => {
    await leave(backend.run({ ...request, maxTokens: 1500 }, never));
    const startMs = performance.now();
    await said(backend.run({ ...request, maxTokens: 1 }, never));
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  it("goes on with an answer that is begun, and comes back with the rest alone", async () => {
    await expectRest(backend, request, never);
  });

  it("keeps to a JSON schema, and makes vectors", async () => {
    await expectColour(backend, request, never);
    const vectors = await backend.embed?.({ model: smallModel, texts: ["A dog barks.", "42 + 1"] }, never);
    expect(vectors?.vectors.map((vector) => vector.length)).toEqual([576, 576]);
  });

  it("says what is missing", async () => {
    await expect(said(backend.run({ ...request, model: "nobody:1b" }, never))).rejects.toMatchObject({
      kind: "model-missing",
    });
  });

  it("answers in the shell as its model, with where it ran", async () => {
    const { code, out, err } = await runCommand(["ask", "Say hello.", "--max-tokens", "20"], await shell());
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(out).toMatch(/\w/);
    expect(err).toMatch(/smollm2:135m .* Ollama at 127\.0\.0\.1:\d+, this machine/);
  });

  it("is behind the service for its own client, as it is without it", async () => {
    await withService(await shell(), async (host, token) => {
      const through = new Ollama({ host, headers: { authorization: `Bearer ${token}` } });
      const direct = new Ollama({ host: server.url });
      const asked = {
        model: smallModel,
        messages: [{ role: "user", content: "Say hello." }],
        options: { seed: 7, temperature: 0, num_predict: 12, num_ctx: 2048 },
      };
      const [ours, its] = [await through.chat(asked), await direct.chat(asked)];
      expect(ours.prompt_eval_count).toBe(its.prompt_eval_count);
      expect(ours.eval_count).toBe(its.eval_count);
      expect((await through.list()).models.map(({ name }) => name)).toContain(smallModel);
    });
  });
});
