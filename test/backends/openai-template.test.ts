// What llama.cpp's server and vLLM tell of themselves, as the real ones say it (`llama-cpp-itself.test.ts`,
// `vllm-itself.test.ts`), and what they are asked for because of it.
import { afterEach, expect, it } from "vitest";
import { OpenAiBackend } from "../../src/backends/openai.ts";
import type { ToolUse } from "../../src/core/tool.ts";
import { said } from "./real-server.ts";
import { request } from "./sample-request.ts";
import { type ScriptedServer, sendJson, startScriptedServer } from "./scripted-server.ts";

const never = new AbortController().signal;
const file = "/models/m.gguf";
const toolUse = {
  tools: [{ name: "paint", parameters: { type: "object" } }],
  choice: { kind: "required" as const },
  isParallel: false,
};
const servers: ScriptedServer[] = [];

afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** The model as it is listed, and what is asked of it where a tool has to be called. */
async function forcedCall(told: object, program = "llamacpp", use: ToolUse = toolUse) {
  const events = [
    { choices: [{ delta: { content: "{}" }, finish_reason: "stop" }] },
    { choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 } },
  ];
  const server = await startScriptedServer({
    "GET /v1/models": (_, response) => sendJson(response, { data: [{ id: file, owned_by: program }] }),
    "GET /props": (_, response) => sendJson(response, { default_generation_settings: { n_ctx: 8192 }, ...told }),
    "POST /v1/chat/completions": (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`${events.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("")}data: [DONE]\n\n`);
    },
  });
  servers.push(server);
  const host = new URL(server.url).host;
  const backend = new OpenAiBackend({ name: host, host, place: "this-machine", address: server.url });
  const [model] = await backend.models(never);
  await said(backend.run({ ...request, model: model?.name ?? "", toolUse: use }, never));
  return { model, body: JSON.parse(server.bodies.find((each) => each.includes("messages")) ?? "{}") };
}

it("a template without tools leaves them out without a word: a grammar sees to a call that has to be made", async () => {
  const { model, body } = await forcedCall({
    chat_template_caps: { supports_tools: false },
    modalities: { vision: true },
  });
  expect(model).toMatchObject({ name: "m.gguf", capabilities: ["completion", "vision"] });
  expect(body).toMatchObject({ model: file, response_format: { type: "json_schema" } });
  expect(body.tools).toBeUndefined();
  expect(body.messages.at(-1)).toMatchObject({ role: "system", content: expect.stringContaining("paint") });
});

it("a template with tools is given them", async () => {
  const { model, body } = await forcedCall({
    chat_template_caps: { supports_tools: true },
    modalities: { vision: false },
  });
  expect(model?.capabilities).toEqual(["completion", "tools"]);
  expect(body).toMatchObject({ tools: [{ function: { name: "paint" } }], tool_choice: "required" });
});

it("of an older server, which tells nothing, nothing is taken for known", async () => {
  const { model, body } = await forcedCall({});
  expect(model?.capabilities).toEqual([]);
  expect(body).toMatchObject({ tools: [{ function: { name: "paint" } }] });
});

it("vLLM is told that a call which has to be made keeps to its schema: it makes up arguments where that is not said", async () => {
  const { body } = await forcedCall({}, "vllm");
  expect(body).toMatchObject({ tools: [{ function: { name: "paint", strict: true } }], tool_choice: "required" });
  const free = await forcedCall({}, "vllm", { ...toolUse, choice: { kind: "auto" } });
  expect(free.body.tools).toEqual([{ type: "function", function: toolUse.tools[0] }]);
  const other = await forcedCall({});
  expect(other.body.tools).toEqual([{ type: "function", function: toolUse.tools[0] }]);
});

it("a server that has no path for vectors says so, and not that the model is missing", async () => {
  const server = await startScriptedServer({
    "POST /v1/embeddings": (_, response) => sendJson(response, { detail: "Not Found" }, 404),
  });
  servers.push(server);
  const backend = new OpenAiBackend({ name: "box", host: "box", place: "this-machine", address: server.url });
  await expect(backend.embed({ model: "m", texts: ["a"] }, never)).rejects.toThrow(
    "box was not started for this: it has no /v1/embeddings. Choose another model.",
  );
});

it("vLLM that has no room says so within an answer that began well: it is busy, as where it is told before", async () => {
  const error = { message: "The engine is currently busy", type: "Service Unavailable", param: null, code: 503 };
  const server = await startScriptedServer({
    "POST /v1/chat/completions": (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`data: ${JSON.stringify({ error })}\n\ndata: [DONE]\n\n`);
    },
  });
  servers.push(server);
  const backend = new OpenAiBackend({ name: "box", host: "box", place: "this-machine", address: server.url });
  await expect(said(backend.run(request, never))).rejects.toMatchObject({
    kind: "server-error",
    details: { isBusy: true },
  });
});
