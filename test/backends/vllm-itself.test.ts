// vLLM itself, where it was got (`node scripts/vllm.ts`): what the scripted servers of the other tests say, said by the
// real one.
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallModel } from "../../scripts/folders.ts";
import { findVllm, startVllm, type VllmServer } from "../../scripts/vllm.ts";
import { OpenAiBackend } from "../../src/backends/openai.ts";
import { estimateTokens } from "../../src/core/estimate-tokens.ts";
import { runCommand } from "../harness/command-line.ts";
import { type TemporaryFolder, temporaryFolder } from "../harness/servers.ts";
import { colours, expectColour, expectRest, leave, said, shellOf, storyOf, withService } from "./real-server.ts";

const program = findVllm();
const never = new AbortController().signal;
const request = storyOf(smallModel);
const contextTokens = 2048;
const tools = [{ name: "paint", description: "Paints the door.", parameters: colours }];
let server: VllmServer;
let backend: OpenAiBackend;
let home: TemporaryFolder;

/** How many answers it works on, and how many wait. */
async function works(): Promise<{ running: number; waiting: number }> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const figure = (name: string) =>
    Number(new RegExp(`^vllm:num_requests_${name}\\{.*\\} (\\S+)$`, "m").exec(metrics)?.[1]);
  return { running: figure("running"), waiting: figure("waiting") };
}

const isIdle = () => expect.poll(works, { timeout: 20_000 }).toEqual({ running: 0, waiting: 0 });

describe.skipIf(!program)("vLLM itself", { timeout: 240_000 }, () => {
  beforeAll(async () => {
    home = await temporaryFolder("home");
    // One answer at a time, and one that waits.
    const few = ["--max-model-len", String(contextTokens), "--max-num-seqs", "1", "--max-num-queued-reqs", "2"];
    server = await startVllm(program ?? "", [...few, "--enable-auto-tool-choice", "--tool-call-parser", "hermes"]);
    const host = new URL(server.url).host;
    backend = new OpenAiBackend({ name: host, host, place: "this-machine", address: server.url });
  }, 660_000);
  afterAll(async () => {
    await server?.stop();
    await home?.remove();
  });

  it("tells its model with the window it was started with", async () => {
    expect(await backend.models(never)).toMatchObject([{ name: smallModel, contextTokens, goesOn: true }]);
  });

  it("streams an answer and counts as its tokenizer does: never more tokens than were reckoned beforehand", async () => {
    const { text, end } = await said(backend.run(request, never));
    expect(text).toMatch(/\w+ \w+/);
    expect(end).toMatchObject({ finish: "length", stats: { answerTokens: 30 } });
    expect(end.stats).not.toHaveProperty("estimated");
    expect(end.stats.decodeMs).toBeGreaterThan(0);
    const prose = "The quick brown fox jumps over the lazy dog, 你好世界, while x += arr[i] * 0x1F;\n".repeat(12);
    const messages = [{ role: "user" as const, content: prose }];
    const long = await said(backend.run({ ...request, maxTokens: 1, messages }, never));
    const tokenized = await fetch(`${server.url}/tokenize`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: smallModel, messages }),
    });
    expect(await tokenized.json()).toMatchObject({ count: long.end.stats.promptTokens });
    expect(long.end.stats.promptTokens).toBeLessThanOrEqual(estimateTokens(prose) * 1.1 + 40);
  });

  it("refuses a prompt that is longer than its window, with the numbers", async () => {
    const messages = [{ role: "user" as const, content: "word ".repeat(3000) }];
    await expect(said(backend.run({ ...request, messages }, never))).rejects.toMatchObject({
      kind: "context-overflow",
      message: expect.stringMatching(/2048.* 2049/),
    });
  });

  it("stops when its reader leaves", async () => {
    await leave(backend.run({ ...request, maxTokens: 1500 }, never));
    await isIdle();
  });

  it("goes on with an answer that is begun, and comes back with the rest alone", async () => {
    await expectRest(backend, request, never);
  });

  it("keeps to a JSON schema", async () => {
    await expectColour(backend, request, never);
  });

  it("calls a tool where it has to: any, or the one that is named", async () => {
    const messages = [{ role: "user" as const, content: "Paint the door green." }];
    const call = expect.objectContaining({
      name: "paint",
      arguments: { colour: expect.stringMatching(/^(red|green)$/) },
    });
    for (const choice of [{ kind: "required" as const }, { kind: "required" as const, name: "paint" }]) {
      const toolUse = { tools, choice, isParallel: false };
      const { all } = await said(backend.run({ ...request, messages, toolUse, maxTokens: 200 }, never));
      expect(all.filter(({ kind }) => kind === "tool-call")).toEqual([{ kind: "tool-call", call }]);
    }
  });

  it("reads what is said of sampling beside what OpenAI has", async () => {
    const hot = { ...request, maxTokens: 12, sampling: { ...request.sampling, temperature: 2, topP: 1 } };
    const answer = async (fine: object) =>
      (await said(backend.run({ ...hot, sampling: { ...hot.sampling, ...fine } }, never))).text;
    // Of one token alone none can be drawn but the likeliest, however hot.
    const likeliest = await answer({ topK: 1 });
    expect(await answer({ topK: 1 })).toBe(likeliest);
    expect(await answer({ minP: 1 })).toBe(likeliest);
    expect(await answer({ topK: 0, seed: 7 })).toBe(await answer({ topK: 0, seed: 7 }));
    expect(await answer({ topK: 0, seed: 7 })).not.toBe(likeliest);
  });

  it("says what is missing, and what it was not started for", async () => {
    const missing = said(backend.run({ ...request, model: "nobody:1b" }, never));
    await expect(missing).rejects.toMatchObject({ kind: "model-missing" });
    const vectors = backend.embed({ model: smallModel, texts: ["A dog barks."] }, never);
    await expect(vectors).rejects.toThrow("was not started for this: it has no /v1/embeddings");
  });

  it("says that it is busy where no more may wait, and is free when these have left", async () => {
    const stop = new AbortController();
    const long = { ...request, maxTokens: 1500 };
    const asked = [0, 1, 2, 3].map(() => said(backend.run(long, stop.signal)).catch((error: unknown) => error));
    const refused = await Promise.race(asked);
    stop.abort();
    await Promise.all(asked);
    expect(refused).toMatchObject({ kind: "server-error", details: { isBusy: true } });
    await isIdle();
  });

  it("answers in the shell with where it ran", async () => {
    const { code, out, err } = await runCommand(
      ["ask", "Say hello.", "--max-tokens", "12"],
      await shellOf(home, server.url),
    );
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/\w/) });
    expect(err).toContain(`Chat: ${smallModel} (`);
    expect(err).toContain("this machine");
  });

  it("is behind the service for OpenAI's own client", async () => {
    await withService(await shellOf(home, server.url), async (url, token) => {
      const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
      const messages = [{ role: "user" as const, content: "Say hello." }];
      const asked = { model: smallModel, messages, max_tokens: 12, temperature: 0 };
      const ours = await openai.chat.completions.create(asked);
      const its = await new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none" }).chat.completions.create(asked);
      expect(ours.usage?.prompt_tokens).toBe(its.usage?.prompt_tokens);
      expect(ours.choices[0]?.message.content).toMatch(/\w/);
    });
  });

  it("that is killed half way has stopped in the middle of the answer, and what came is kept", async () => {
    let text = "";
    const killed = (async () => {
      for await (const event of backend.run({ ...request, maxTokens: 1500 }, never)) {
        if (event.kind !== "text") continue;
        if (text === "") server.kill();
        text += event.text;
      }
    })();
    await expect(killed).rejects.toMatchObject({ kind: "server-lost" });
    expect(text).not.toBe("");
    await expect(backend.models(never)).rejects.toMatchObject({ kind: "server-unreachable" });
  });
});
