// What the product itself costs between the question and the request to the model server, and what classifying costs.
import { createApp } from "../../src/app.ts";
import { classify } from "../../src/core/classify.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import type { Ask } from "../../src/core/task.ts";
import { median, type Row } from "./measure.ts";

const code =
  "export function average(numbers: number[]): number {\n  return numbers.reduce((a, b) => a + b) / numbers.length;\n}\n";
const ask: Ask = {
  text: "Is there a bug in this function?",
  sources: [{ uri: "file:///a.ts", label: "a.ts", text: code.repeat(20), languageId: "typescript", origin: "file" }],
  history: [],
};

export async function measureOverhead(): Promise<readonly Row[]> {
  let sentAtMs = 0;
  const server: typeof fetch = async (input) => {
    const { pathname } = new URL(String(input instanceof Request ? input.url : input));
    if (pathname === "/api/chat") {
      sentAtMs = performance.now();
      const lines = [
        { model: "qwen3.5:9b", message: { role: "assistant", content: '{"findings": []}' }, done: false },
        {
          model: "qwen3.5:9b",
          message: { role: "assistant", content: "" },
          done: true,
          done_reason: "stop",
          prompt_eval_count: 1,
          eval_count: 1,
        },
      ];
      return new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join(""), {
        headers: { "content-type": "application/x-ndjson" },
      });
    }
    return Response.json(answers[pathname] ?? {});
  };
  const app = createApp({
    settings: { ...defaultSettings, cache: false, engine: "ollama", ollamaUrl: "http://127.0.0.1:9" },
    folders: { home: "/nonexistent", engineEntry: "" },
    log: () => {},
    askedBy: "shell",
    fetch: server,
  });
  const times: number[] = [];
  for (let round = 0; round < 300; round++) {
    const startMs = performance.now();
    for await (const _event of app.run(ask, new AbortController().signal));
    if (round >= 100) times.push(sentAtMs - startMs);
  }
  await app.dispose();
  const value = median(times);
  return [
    { name: "from the question to the request sent", value, unit: "ms (median)", goal: "≤ 1 ms", isMet: value <= 1 },
    classification(),
  ];
}

const model = {
  name: "qwen3.5:9b",
  model: "qwen3.5:9b",
  size: 6_600_000_000,
  details: { family: "qwen", parameter_size: "9B", quantization_level: "Q4_K_M" },
};
const answers: Readonly<Record<string, unknown>> = {
  "/api/version": { version: "0.20.0" },
  "/api/tags": { models: [model] },
  "/api/ps": { models: [] },
  "/api/show": { details: model.details, model_info: { "qwen.context_length": 131072 }, capabilities: ["completion"] },
};

const prompts = [
  "Is there a bug in this function?",
  "把这段话翻译成英文：今天构建通过了。",
  "Explain how the garbage collector decides when to run, step by step.",
  "Write a short story about a compiler that learned to sing.",
  "帮我分析一下微服务和单体架构的取舍，并给出迁移策略。",
  "fix this",
  "Write documentation for the public API of this module, with examples.",
  "What is the best way to structure a monorepo with five teams?",
];

function classification(): Row {
  const asks = prompts.map((text): Ask => ({ text, sources: [], history: [] }));
  const rounds: number[] = [];
  for (let round = 0; round < 40; round++) {
    const startMs = performance.now();
    for (let index = 0; index < 50; index++) for (const each of asks) classify(each);
    rounds.push(((performance.now() - startMs) * 1000) / (50 * asks.length));
  }
  const value = median(rounds.slice(10));
  return { name: "classifying a prompt", value, unit: "µs", goal: "≤ 25 µs", isMet: value <= 25 };
}
