// What llama.cpp's server tells of its model's template, as the real one says it (`llama-cpp-itself.test.ts`).
import { afterEach, expect, it } from "vitest";
import { OpenAiBackend } from "../../src/backends/openai.ts";
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
async function forcedCall(told: object) {
  const events = [
    { choices: [{ delta: { content: "{}" }, finish_reason: "stop" }] },
    { choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 } },
  ];
  const server = await startScriptedServer({
    "GET /v1/models": (_, response) => sendJson(response, { data: [{ id: file, owned_by: "llamacpp" }] }),
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
  await said(backend.run({ ...request, model: model?.name ?? "", toolUse }, never));
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
