// A last message of the assistant is the beginning of the answer: it goes on where a server does that, and nowhere else.
import { afterEach, describe, expect, it } from "vitest";
import { type ScriptedServer, sendJson, startScriptedServer } from "../backends/scripted-server.ts";
import { callsLine, post, sayHello, sayLines, startProxy, tag } from "./harness.ts";

const model = "llama3.1:8b";
const question = { role: "user", content: "Where is the tower?" };
const begun = { role: "assistant", content: "The tower is in" };
const messages = [question, begun];
const format = { type: "object", properties: { city: { type: "string" } } };
const functions = [{ type: "function", function: { name: "clock", parameters: {} } }];
const schema = { name: "x", schema: format };

let other: ScriptedServer | undefined;
afterEach(async () => {
  await other?.close();
  other = undefined;
});

/** A server with OpenAI's API that says which program it is. */
async function startOpenAi(program: string, id = "own") {
  const started = await startScriptedServer({
    "GET /v1/models": (_, response) => sendJson(response, { data: [{ id, owned_by: program, max_model_len: 8192 }] }),
    "POST /v1/chat/completions": (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(
        `data: ${JSON.stringify({ choices: [{ delta: { content: " Paris." }, finish_reason: "stop" }] })}\n\n`,
      );
    },
  });
  other = started;
  return { url: started.url, kind: "openai" as const };
}

const bodyOf = (server: ScriptedServer | undefined) =>
  JSON.parse(server?.bodies[server.requests.lastIndexOf("POST /v1/chat/completions")] || "{}");

describe("an answer that is begun", () => {
  it("goes on in every dialect: Ollama gets it as the last message, and does not think first", async () => {
    const { url, asked } = await startProxy();
    const requests: readonly (readonly [string, object])[] = [
      ["/api/chat", { model, messages, think: true }],
      ["/v1/chat/completions", { model, messages, reasoning_effort: "high" }],
      ["/v1/chat/completions", { model, messages, continue_final_message: true, add_generation_prompt: false }],
      ["/v1/messages", { model, messages, max_tokens: 50, thinking: { type: "adaptive" } }],
      ["/v1/responses", { model, input: messages }],
    ];
    for (const [path, body] of requests) {
      const before = asked().length;
      const answer = await post(url, path, { ...body, temperature: 0.9, options: { temperature: 0.9 } });
      expect(answer.status, await answer.text()).toBe(200);
      const [ask] = asked().slice(before);
      expect(ask?.messages).toMatchObject(messages);
      expect(ask?.messages).toHaveLength(2);
      expect(ask?.think).toBe(false);
    }
  });

  it("is told to servers with OpenAI's API in their words", async () => {
    const node = await startOpenAi("vllm");
    const { url } = await startProxy({ settings: { nodes: [node] } });
    const answer = await post(url, "/v1/chat/completions", { model: "own", messages });
    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: " Paris." } }] });
    expect(bodyOf(other)).toMatchObject({
      messages,
      continue_final_message: true,
      add_generation_prompt: false,
      chat_template_kwargs: { enable_thinking: false },
    });
    await post(url, "/v1/chat/completions", { model: "own", messages: [question] });
    expect(bodyOf(other)).not.toHaveProperty("continue_final_message");
  });

  it("is refused where the server does not tell that it goes on, and says what to do", async () => {
    const node = await startOpenAi("organization_owner");
    const { url } = await startProxy({ settings: { nodes: [node] } });
    const answer = await post(url, "/v1/chat/completions", { model: "own", messages });
    expect(answer.status).toBe(400);
    const text = await answer.text();
    expect(text).toContain("own does not go on with an answer that is begun");
    expect(text).toContain("llama3.1:8b does");
    expect(other?.requests).not.toContain("POST /v1/chat/completions");
  });

  it("goes to no other server that has a model of this name and does not go on", async () => {
    const node = await startOpenAi("organization_owner", model);
    const failing = sayLines("");
    let fails = false;
    const { url } = await startProxy({
      chat: (...all) => (fails ? failing : sayHello)(...all),
      settings: { nodes: [node] },
    });
    for (let count = 0; count < 4; count++) {
      const body = {
        model,
        messages: [question, { ...begun, content: `${begun.content} ${count}` }],
        temperature: 0.9,
      };
      expect((await post(url, "/v1/chat/completions", body)).status).toBe(200);
    }
    fails = true;
    expect((await post(url, "/v1/chat/completions", { model, messages })).status).toBeGreaterThanOrEqual(500);
    expect(other?.requests).not.toContain("POST /v1/chat/completions");
  });

  it("goes on with the words of the client alone where a kind of task is the model", async () => {
    const { url, asked } = await startProxy();
    await post(url, "/api/chat", { model: "switchyard/code", messages });
    expect(asked()[0]?.messages).toEqual(messages);
  });

  it("may be empty, and is none then", async () => {
    const { url, asked } = await startProxy();
    await post(url, "/v1/chat/completions", { model, messages: [question, { role: "assistant", content: "" }] });
    expect(asked()[0]?.messages).toEqual([question]);
  });
});

const refused: readonly (readonly [string, object, string])[] = [
  ["/api/chat", { format }, "a format of the answer does not go with an answer that is begun"],
  ["/v1/chat/completions", { response_format: { type: "json_schema", json_schema: schema } }, "a format of the answer"],
  ["/v1/chat/completions", { tools: functions, tool_choice: "required" }, "a call that has to be made does not go"],
  ["/v1/chat/completions", { continue_final_message: false }, "for a new answer"],
  ["/v1/chat/completions", { add_generation_prompt: true }, "for a new answer"],
  ["/v1/chat/completions", { messages: [question], continue_final_message: true }, "continue_final_message"],
  ["/api/chat", { messages: [question, { ...begun, content: " \n" }] }, "nothing that could be gone on with"],
  ["/api/chat", { messages: [question, { role: "assistant", thinking: "Hm", content: "" }] }, "nothing that could be"],
  [
    "/api/chat",
    { messages: [question, { role: "assistant", tool_calls: [{ function: { name: "clock" } }] }] },
    "send what the calls came to",
  ],
  ["/v1/chat/completions", { messages: [{ role: "assistant", content: "" }] }, "nothing is asked"],
];

it.each(refused)("%s with %j is refused", async (path, body, told) => {
  const { url, asked } = await startProxy({ models: [tag("caller:7b", "completion", "tools")] });
  const answer = await post(url, path, { model: "caller:7b", messages, ...body });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain(told);
  expect(asked()).toEqual([]);
});

it("tools may be offered beside it", async () => {
  const { url, asked } = await startProxy({
    models: [tag("caller:7b", "completion", "tools")],
    chat: sayLines(callsLine({ name: "clock", arguments: {} }), `${JSON.stringify({ model: "m", done: true })}\n`),
  });
  const answer = await post(url, "/v1/chat/completions", { model: "caller:7b", messages, tools: functions });
  expect(await answer.json()).toMatchObject({ choices: [{ finish_reason: "tool_calls" }] });
  expect(asked()[0]).toMatchObject({ messages, tools: [{ function: { name: "clock" } }] });
});
