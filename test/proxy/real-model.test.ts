// The whole way with a real model: `switchyard serve`, the built-in engine, and the programs of the README.
import { execFile, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentProgram } from "../../scripts/agents.ts";
import { smallModel, testHome, testWeights } from "../../scripts/folders.ts";
import { installTinyModel } from "../../scripts/tiny-model.ts";
import { readRegistration } from "../../src/backends/embedded/registration.ts";
import { productHome } from "../harness/product-home.ts";
import type { TemporaryFolder } from "../harness/servers.ts";
import { until } from "./harness.ts";
import { runClaudeCode } from "./run-agent.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const token = "real-model-token";
const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
let home: TemporaryFolder;
let url = "";
let stop = async () => {};

beforeAll(async () => {
  if (testWeights() === "tiny") await installTinyModel(testHome(), smallModel);
  home = await productHome();
  const child = spawn(process.execPath, [join(root, "src/cli/main.ts"), "serve", "--port", "0"], {
    env: {
      PATH: process.env["PATH"],
      SWITCHYARD_HOME: home.path,
      SWITCHYARD_ENGINE: "embedded",
      SWITCHYARD_PROXY_TOKEN: token,
    },
  });
  let out = "";
  child.stdout.on("data", (piece) => {
    out += piece;
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  await until(() => out.includes("Listening at"));
  url = /http:\S+/.exec(out)?.[0] ?? "";
});

afterAll(async () => {
  await stop();
  const registration = await readRegistration(home.path);
  if (registration) process.kill(registration.pid);
  await home.remove();
});

const question = [{ role: "user" as const, content: "Say hello." }];

it("answers all three clients", async () => {
  const ollama = new Ollama({ host: url, headers });
  const chat = await ollama.chat({ model: smallModel, messages: question, options: { num_predict: 20 } });
  expect(chat.message.content).toMatch(/\w/);
  expect(chat.eval_duration).toBeGreaterThan(1000);
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
  const completion = await openai.chat.completions.create({
    model: "switchyard/auto",
    messages: question,
    max_tokens: 20,
  });
  expect(completion.choices[0]?.message.content).toMatch(/\w/);
  expect(completion.model).toBe(smallModel);
  const anthropic = new Anthropic({ baseURL: url, apiKey: token, maxRetries: 0 });
  const message = await anthropic.messages
    .stream({ model: `claude-local-${smallModel}`, max_tokens: 20, messages: question })
    .finalMessage();
  expect(message.content[0]).toMatchObject({ type: "text", text: expect.stringMatching(/\w/) });
});

it("makes the real model call a tool where it has to, through all three clients", async () => {
  const parameters = {
    type: "object" as const,
    properties: { colour: { enum: ["red", "green"] } },
    required: ["colour"],
  };
  const asked = [{ role: "user" as const, content: "Paint the door green." }];
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
  const tool = { type: "function" as const, function: { name: "paint", parameters } };
  const stream = openai.chat.completions.stream({
    model: smallModel,
    messages: asked,
    tools: [tool],
    tool_choice: "required",
    max_tokens: 400,
  });
  const [call] = (await stream.finalChatCompletion()).choices[0]?.message.tool_calls ?? [];
  expect(call).toMatchObject({
    function: { name: "paint", arguments: expect.stringMatching(/^\{"colour":"(red|green)"\}$/) },
  });
  const responses = await openai.responses.create({
    model: smallModel,
    input: "Paint the door green.",
    tools: [{ type: "function", name: "paint", parameters, strict: true }],
    tool_choice: { type: "function", name: "paint" },
    max_output_tokens: 400,
  });
  expect(responses.output[0]).toMatchObject({ type: "function_call", name: "paint" });
  const anthropic = new Anthropic({ baseURL: url, apiKey: token, maxRetries: 0 });
  const message = await anthropic.messages.create({
    model: `claude-local-${smallModel}`,
    max_tokens: 400,
    messages: asked,
    tools: [{ name: "paint", input_schema: parameters }],
    tool_choice: { type: "any" },
  });
  expect(message.stop_reason).toBe("tool_use");
  expect(message.content).toMatchObject([
    { type: "tool_use", name: "paint", input: { colour: expect.stringMatching(/^(red|green)$/) } },
  ]);
});

it("makes vectors with the real engine: texts that mean the same are nearer", async () => {
  const ollama = new Ollama({ host: url, headers });
  const { embeddings } = await ollama.embed({ model: smallModel, input: ["A dog barks.", "A dog barks.", "42 + 1"] });
  const [first = [], same = [], other = []] = embeddings;
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, each, at) => sum + each * (b[at] ?? 0), 0);
  const cosine = (a: readonly number[], b: readonly number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  expect(first.length).toBeGreaterThan(15);
  expect(cosine(first, same)).toBeGreaterThan(0.999);
  expect(cosine(first, other)).toBeLessThan(cosine(first, same));
});

// A model this small may not come to an end; what is not its own fault fails each time.
it.skipIf(!agentProgram("claudeCode"))(
  "answers Claude Code with the real model",
  { timeout: 150_000, retry: 2 },
  async () => {
    // Its own prompt is larger than this model's window; a person's shorter one is not.
    const args = ["Say hello in one word.", "--tools", "", "--system-prompt", "Be brief."];
    const { told, errors } = await runClaudeCode(args, home.path, {
      HOME: home.path,
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_AUTH_TOKEN: token,
      ANTHROPIC_MODEL: `claude-local-${smallModel}`,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: `claude-local-${smallModel}`,
      CLAUDE_CODE_MAX_OUTPUT_TOKENS: "600",
    });
    expect(told, errors).toMatchObject({
      is_error: false,
      num_turns: 1,
      result: expect.stringMatching(/^(?!API Error).*\w/),
    });
  },
);

it("stops the real model when a client leaves", async () => {
  const left = new AbortController();
  const body = JSON.stringify({
    model: smallModel,
    messages: [{ role: "user", content: "Write a very long story about a lighthouse." }],
    options: { temperature: 0.9 },
  });
  const answer = await fetch(`${url}/api/chat`, { method: "POST", headers, body, signal: left.signal });
  await answer.body?.getReader().read();
  left.abort();
  const working = async () =>
    /switchyard_working\{task="\w+"\} [1-9]/.test(await (await fetch(`${url}/metrics`, { headers })).text());
  const startMs = performance.now();
  while (await working()) expect(performance.now() - startMs).toBeLessThan(1_000);
});

it("runs the README's example in Python", async () => {
  const script = `
import os, requests
answer = requests.post(
    os.environ["SWITCHYARD_URL"] + "/api/generate",
    headers={"Authorization": "Bearer " + os.environ["SWITCHYARD_TOKEN"]},
    json={"prompt": "Say hello.", "task_type": "general", "maxTokens": 20},
)
answer.raise_for_status()
print(answer.json()["response"])
`;
  const hasRequests = await run("python3", ["-c", "import requests"]).then(
    () => true,
    () => false,
  );
  // Where the package is not there, the standard library makes the same request.
  const plain = script.replace("import os, requests", "import os, json, urllib.request").replace(
    /answer = requests[\s\S]*print.*/,
    `
request = urllib.request.Request(
    os.environ["SWITCHYARD_URL"] + "/api/generate",
    headers={"Authorization": "Bearer " + os.environ["SWITCHYARD_TOKEN"], "Content-Type": "application/json"},
    data=json.dumps({"prompt": "Say hello.", "task_type": "general", "maxTokens": 20}).encode())
print(json.load(urllib.request.urlopen(request))["response"])`,
  );
  const env = { PATH: process.env["PATH"], SWITCHYARD_URL: url, SWITCHYARD_TOKEN: token };
  const { stdout } = await run("python3", ["-c", hasRequests ? script : plain], { env });
  expect(stdout).toMatch(/\w/);
});

it("runs the README's example in a shell: every docs/*.md is translated", { timeout: 200_000 }, async () => {
  await mkdir(join(home.path, "docs"));
  await writeFile(join(home.path, "docs", "one.md"), 'The "first" page.\n');
  await writeFile(join(home.path, "docs", "two.md"), "The second page.\n");
  const script = `
for file in docs/*.md; do
  python3 -c 'import json, sys; print(json.dumps({"prompt": sys.stdin.read(), "task_type": "translation"}))' < "$file" |
    curl -sS --fail-with-body "$SWITCHYARD_URL/api/generate" -H "Authorization: Bearer $SWITCHYARD_TOKEN" \\
      -H "Content-Type: application/json" -d @- |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["response"])' > "\${file%.md}.translated"
done
cat docs/*.translated; ls docs
`;
  const env = { PATH: process.env["PATH"], SWITCHYARD_URL: url, SWITCHYARD_TOKEN: token };
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { env, cwd: home.path });
  expect(stdout).toContain("one.translated\n");
  expect(stdout).toContain("two.translated\n");
  expect(stdout.split("\n").length).toBeGreaterThan(6);
});

it("runs the README's example in TypeScript", async () => {
  const answer = await fetch(`${url}/api/generate`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "Say hello.", model: smallModel, temperature: 0.2, maxTokens: 20 }),
  });
  const { response }: { response: string } = await answer.json();
  expect(response).toMatch(/\w/);
  expect(answer.headers.get("x-switchyard-model")).toBe(smallModel);
});
