// The model that tests run on where no other can be got: a real file for the real engine.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, type Llama, LlamaChatSession, type LlamaModel, readGgufFileInfo } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installTinyModel, tinyModel } from "../../scripts/tiny-model.ts";
import { createModelFiles } from "../../src/backends/embedded/model-files.ts";

let home = "";
let path = "";
let llama: Llama;
let model: LlamaModel;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "switchyard-tiny-"));
  await installTinyModel(home, "tiny:1m");
  path = join(home, "models", "tiny-1m.gguf");
  llama = await getLlama({ gpu: false, build: "never", maxThreads: 1 });
  model = await llama.loadModel({ modelPath: path });
});
afterAll(async () => {
  await llama.dispose();
  await rm(home, { recursive: true, force: true });
});

async function ask(question: string, temperature: number, maxTokens: number): Promise<{ text: string; count: number }> {
  const context = await model.createContext({ contextSize: 2048 });
  const session = new LlamaChatSession({ contextSequence: context.getSequence() });
  let count = 0;
  const onToken = (tokens: readonly unknown[]) => {
    count += tokens.length;
  };
  const text = await session.prompt(question, { temperature, seed: 3, topK: 40, topP: 0.9, maxTokens, onToken });
  await context.dispose();
  return { text, count };
}

describe("the generated model", () => {
  it("comes out the same each time, and small", async () => {
    const made = tinyModel();
    expect(made.equals(tinyModel())).toBe(true);
    expect(made.equals(await readFile(path))).toBe(true);
    expect(made.length).toBeLessThan(4_000_000);
  });

  it("is a model of the product under the name it was given, and says where it is from", async () => {
    const files = createModelFiles(join(home, "models"));
    expect(await files.find("tiny:1m")).toMatchObject({ family: "llama", quantization: "F32" });
    expect((await files.find("tiny:1m")).source).toContain("generated");
    const { metadata, version } = await readGgufFileInfo(path);
    expect(version).toBe(3);
    expect(metadata.general.architecture).toBe("llama");
  });

  it("reads any text and gives it back as it was", () => {
    for (const text of ["Write a story.", "const x = [1];\n\treturn `x`;", "第一次调用时为零。", "a 🚂 b\r\n", "  "]) {
      expect(model.detokenize(model.tokenize(text))).toBe(text);
    }
    expect(model.tokenize(" function")).toHaveLength(1);
  });

  it("says words, and ends by itself", async () => {
    for (const temperature of [0.2, 0.8]) {
      const { text, count } = await ask("Say hello.", temperature, 1500);
      expect(text).toMatch(/^[ -~\n]+$/);
      expect(text).not.toContain("<|im_");
      expect(count).toBeLessThan(1500);
    }
  });

  it("tells a story without end, so that there is something to stop", async () => {
    const { text, count } = await ask("Write a very long story about a lighthouse.", 0.7, 400);
    expect(count).toBeGreaterThanOrEqual(400);
    expect(text.split(" ").length).toBeGreaterThan(300);
  });
});
