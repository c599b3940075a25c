// The built-in engine in use by several at once, and at its limits, through the `ollama` client.
import { Ollama } from "ollama";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallModel, testHome, testWeights } from "../../scripts/folders.ts";
import { installTinyModel } from "../../scripts/tiny-model.ts";
import { createEmbeddedEngine, type EmbeddedEngine } from "../../src/backends/embedded/launch.ts";
import { readRegistration } from "../../src/backends/embedded/registration.ts";
import { detailsFrom } from "../../src/backends/model-shape.ts";
import { productHome } from "../harness/product-home.ts";
import type { TemporaryFolder } from "../harness/servers.ts";

let folder: TemporaryFolder;
let engine: EmbeddedEngine;
let ollama: Ollama;

beforeAll(async () => {
  if (testWeights() === "tiny") await installTinyModel(testHome(), smallModel);
  folder = await productHome();
  const entry = new URL("../../src/backends/embedded/main.ts", import.meta.url).pathname;
  engine = createEmbeddedEngine({ home: folder.path, entry, log: () => {}, weightSources: () => [] });
  ollama = new Ollama({ host: await engine.address(new AbortController().signal) });
});

afterAll(async () => {
  const registration = await readRegistration(folder.path);
  engine.dispose();
  if (registration) process.kill(registration.pid);
  await folder.remove();
});

describe("the built-in engine in use", () => {
  it("tells what a model takes with the keys and values of its whole context, in 16 bits", async () => {
    const contextTokens = 4096;
    await ollama.generate({ model: smallModel, prompt: "Hi", options: { num_ctx: contextTokens, num_predict: 1 } });
    const [weights] = (await ollama.list()).models;
    const [loaded] = (await ollama.ps()).models;
    const { shape } = detailsFrom({ ...(await ollama.show({ model: smallModel })).model_info });
    if (!shape || !weights || !loaded) throw new Error("The engine does not tell of its model.");
    const contextBytes = shape.layers * shape.kvHeads * (shape.keyLength + shape.valueLength) * 2 * contextTokens;
    expect(loaded.size).toBeGreaterThan(weights.size * 0.9 + contextBytes * 0.9 - 4e6);
    expect(loaded.size).toBeLessThan(weights.size * 1.1 + contextBytes * 1.5 + 64e6);
  });

  it("lets an answer finish before its model is unloaded or loaded anew, and stays whole", async () => {
    const options = { num_predict: 40, temperature: 0 };
    const stream = await ollama.generate({ model: smallModel, prompt: "Tell me a story.", stream: true, options });
    const others: Promise<{ readonly done_reason: string }>[] = [];
    let end = "";
    for await (const part of stream) {
      if (part.done) end = part.done_reason;
      if (others.length > 0) continue;
      others.push(ollama.generate({ model: smallModel, prompt: "", keep_alive: 0 }));
      others.push(ollama.generate({ model: smallModel, prompt: "Hi", options: { num_ctx: 512, num_predict: 1 } }));
    }
    // A model this small may have told its story after a few words; what counts is that it ended by itself.
    expect(end).toMatch(/^(?:length|stop)$/);
    const [unloaded, answered] = await Promise.all(others);
    expect(unloaded?.done_reason).toBe("unload");
    expect(answered?.done_reason).toMatch(/^(?:length|stop)$/);
    const again = await ollama.generate({ model: smallModel, prompt: "Hi", options: { num_predict: 1 } });
    expect(again.done_reason).toMatch(/^(?:length|stop)$/);
  });

  it("cuts a text that is too long to embed, or refuses it where it may not be cut", async () => {
    const long = { model: smallModel, input: "word ".repeat(500), options: { num_ctx: 128 } };
    const { embeddings, prompt_eval_count, total_duration } = await ollama.embed(long);
    expect(embeddings[0]?.length).toBeGreaterThan(10);
    expect(prompt_eval_count).toBe(126);
    expect(total_duration).toBeGreaterThan(0);
    await expect(ollama.embed({ ...long, truncate: false })).rejects.toMatchObject({ status_code: 400 });
  });

  it("takes every form of keep_alive that Ollama takes", async () => {
    const expiry = async (keep_alive: string | number) => {
      await ollama.generate({ model: smallModel, prompt: "", keep_alive });
      const [model] = (await ollama.ps()).models;
      return Math.round((Date.parse(String(model?.expires_at)) - Date.now()) / 60_000);
    };
    expect([await expiry("1h30m"), await expiry(120), await expiry("45m")]).toEqual([90, 2, 45]);
    expect(await expiry(-1)).toBeGreaterThan(1e6);
    expect(await expiry("-1m")).toBeGreaterThan(1e6);
  });
});
