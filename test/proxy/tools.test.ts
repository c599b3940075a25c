// Tools, through each client: offered, called, several at once, answered; and never half a call.
import type Anthropic from "@anthropic-ai/sdk";
import type OpenAI from "openai";
import { expect, it } from "vitest";
import { doneLine, tokenLine } from "../backends/scripted-server.ts";
import { anthropicFor, failure, ollamaFor, openaiFor } from "./clients.ts";
import { callsLine, post, sayLines, startProxy, tag } from "./harness.ts";

const model = "qwen2.5:7b";
const models = [tag(model, "completion", "tools")];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const called = { name: "weather", arguments: { city: "Paris" } };
const calling = sayLines(
  tokenLine("Let me look."),
  callsLine(called),
  callsLine({ name: "clock", arguments: {} }),
  doneLine(),
);
const offered = [
  { type: "function", function: { name: "weather", description: "Tells the weather", parameters } },
  { type: "function", function: { name: "clock", parameters: { type: "object" } } },
];
const asked = { role: "user" as const, content: "Weather in Paris?" };

const openaiTools: OpenAI.ChatCompletionFunctionTool[] = [
  { type: "function", function: { name: "weather", description: "Tells the weather", parameters } },
  { type: "function", function: { name: "clock" } },
];
const anthropicTools: Anthropic.Tool[] = [
  { name: "weather", description: "Tells the weather", input_schema: { ...parameters, type: "object" } },
  { name: "clock", input_schema: { type: "object" } },
];

it("gives the ollama client its calls with arguments as an object, and takes their results", async () => {
  const running = await startProxy({ chat: calling, models });
  const client = ollamaFor(running);
  expect((await client.show({ model })).capabilities).toEqual(["completion", "tools"]);
  expect((await client.show({ model: "llama3.1:8b" })).capabilities).toEqual(["completion"]);
  const base = { model, messages: [asked], tools: offered };
  const whole = await client.chat(base);
  expect(whole.message).toMatchObject({
    content: "Let me look.",
    tool_calls: [{ function: called }, { function: { name: "clock", arguments: {} } }],
  });
  const calls = [];
  for await (const part of await client.chat({ ...base, stream: true })) calls.push(...(part.message.tool_calls ?? []));
  expect(calls.map((call) => call.function.name)).toEqual(["weather", "clock"]);
  const results = [
    { role: "tool", content: "noon", tool_name: "clock" },
    { role: "tool", content: "sunny", tool_name: "weather" },
  ];
  await client.chat({ ...base, messages: [asked, whole.message, ...results] });
  expect(running.asked()[0]?.tools).toEqual(offered);
  expect(running.asked()[2]?.messages).toMatchObject([
    asked,
    { role: "assistant", tool_calls: [{ function: called }, {}] },
    { role: "tool", content: "noon", tool_name: "clock" },
    { role: "tool", content: "sunny", tool_name: "weather" },
  ]);
});

it("gives the openai client its calls whole and in pieces, and takes their results by id", async () => {
  const running = await startProxy({ chat: calling, models });
  const { completions } = openaiFor(running).chat;
  const base = { model, messages: [asked], tools: openaiTools };
  const whole = await completions.create(base);
  const { message, finish_reason: finish } = whole.choices[0] ?? {};
  expect(finish).toBe("tool_calls");
  expect(message?.tool_calls).toMatchObject([
    { type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } },
    { type: "function", function: { name: "clock", arguments: "{}" } },
  ]);
  const streamed = await completions.stream({ ...base, stream_options: { include_usage: true } }).finalChatCompletion();
  expect(streamed.choices[0]?.message.tool_calls).toMatchObject([
    { function: { name: "weather", arguments: '{"city":"Paris"}' } },
    { function: { name: "clock", arguments: "{}" } },
  ]);
  expect(streamed.usage).toMatchObject({ total_tokens: 52 });
  const [first, second] = message?.tool_calls ?? [];
  const results = [first, second].map((call) => ({
    role: "tool" as const,
    tool_call_id: call?.id ?? "",
    content: "fine",
  }));
  await completions.create({ ...base, messages: [asked, ...(message ? [message] : []), ...results] });
  expect(running.asked()[2]?.messages.slice(1)).toMatchObject([
    {
      role: "assistant",
      content: "Let me look.",
      tool_calls: [{ id: first?.id, function: called }, { id: second?.id }],
    },
    { role: "tool", tool_call_id: first?.id, tool_name: "weather" },
    { role: "tool", tool_call_id: second?.id, tool_name: "clock" },
  ]);
});

it("gives the anthropic client blocks in the exact order, and takes their results", async () => {
  const running = await startProxy({ chat: calling, models });
  const client = anthropicFor(running);
  const base = { model: `claude-local-${model}`, max_tokens: 100, tools: anthropicTools };
  const stream = client.messages.stream({ ...base, messages: [asked] });
  const order: string[] = [];
  stream.on("streamEvent", (event) => order.push("index" in event ? `${event.type} ${event.index}` : event.type));
  const message = await stream.finalMessage();
  expect(order).toEqual([
    "message_start",
    ...[0, 1, 2].flatMap((at) => ["start", "delta", "stop"].map((each) => `content_block_${each} ${at}`)),
    "message_delta",
    "message_stop",
  ]);
  expect(message.stop_reason).toBe("tool_use");
  expect(message.content).toMatchObject([
    { type: "text", text: "Let me look." },
    { type: "tool_use", name: "weather", input: { city: "Paris" }, id: expect.stringMatching(/^toolu_/) },
    { type: "tool_use", name: "clock", input: {} },
  ]);
  const results = message.content.flatMap((block): Anthropic.ToolResultBlockParam[] =>
    block.type === "tool_use"
      ? [{ type: "tool_result", tool_use_id: block.id, content: [{ type: "text", text: "fine" }], is_error: true }]
      : [],
  );
  const answer = await client.messages.create({
    ...base,
    messages: [
      asked,
      { role: "assistant", content: message.content },
      { role: "user", content: [...results, { type: "text", text: "And now?" }] },
    ],
  });
  expect(answer.stop_reason).toBe("tool_use");
  expect(running.asked()[1]?.messages.slice(1)).toMatchObject([
    { role: "assistant", content: "Let me look.", tool_calls: [{ function: called }, { function: { name: "clock" } }] },
    { role: "tool", content: "Error: fine", tool_name: "weather" },
    { role: "tool", content: "Error: fine", tool_name: "clock" },
    { role: "user", content: "And now?" },
  ]);
});

it("makes the model call where it has to, by a grammar, and lets it not where it must not", async () => {
  const chat = sayLines(tokenLine('{"name": "weather", "argu'), tokenLine('ments": {"city": "Paris"}}'), doneLine());
  const running = await startProxy({ chat, models });
  const forced = await openaiFor(running).chat.completions.create({
    model: "llama3.1:8b",
    messages: [asked],
    tools: openaiTools,
    tool_choice: { type: "function", function: { name: "weather" } },
  });
  expect(forced.choices[0]?.message).toMatchObject({
    content: null,
    tool_calls: [{ function: { name: "weather", arguments: '{"city":"Paris"}' } }],
  });
  expect(running.asked()[0]?.format).toMatchObject({ properties: { name: { enum: ["weather"] } } });
  const any = await anthropicFor(running).messages.create({
    model: "claude-local-llama3.1:8b",
    max_tokens: 100,
    messages: [asked],
    tools: anthropicTools,
    tool_choice: { type: "any" },
  });
  expect(any.content).toMatchObject([{ type: "tool_use", name: "weather", input: { city: "Paris" } }]);
  const none = await openaiFor(running).chat.completions.create({
    model,
    messages: [asked],
    tools: openaiTools,
    tool_choice: "none",
  });
  expect(none.choices[0]?.message.tool_calls).toBeUndefined();
  expect(running.asked()[2]?.tools).toBeUndefined();
});

it("lets one call through where the client wants one at most", async () => {
  const running = await startProxy({ chat: calling, models });
  const answer = await openaiFor(running).chat.completions.create({
    model,
    messages: [asked],
    tools: openaiTools,
    parallel_tool_calls: false,
  });
  expect(answer.choices[0]?.message.tool_calls).toHaveLength(1);
  const { content } = await anthropicFor(running).messages.create({
    model: `claude-local-${model}`,
    max_tokens: 100,
    messages: [asked],
    tools: anthropicTools,
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
  });
  expect(content.filter((block) => block.type === "tool_use")).toHaveLength(1);
});

it("makes a call of one that the model printed, and asks anew each time", async () => {
  const printed = tokenLine('<tool_call>{"name": "weather", "arguments": {"city": "Paris"}}</tool_call>');
  const running = await startProxy({ chat: sayLines(printed, doneLine()), models });
  const { completions } = openaiFor(running).chat;
  const base = { model, messages: [asked], tools: openaiTools, temperature: 0 };
  for (let time = 1; time <= 2; time++) {
    const answer = await completions.create(base);
    expect(answer.choices[0]?.message.tool_calls).toMatchObject([{ function: { name: "weather" } }]);
    expect(running.asked()).toHaveLength(time);
  }
});

it("offers tools only to models that can call them: routed there, or refused in the dialect's words", async () => {
  const running = await startProxy({ chat: calling, models });
  const { completions } = openaiFor(running).chat;
  const base = { messages: [asked], tools: openaiTools };
  expect((await completions.create({ ...base, model: "switchyard/auto" })).model).toBe(model);
  const refused = await failure(completions.create({ ...base, model: "llama3.1:8b" }));
  expect(refused).toMatchObject({
    status: 400,
    type: "invalid_request_error",
    message: expect.stringContaining(`cannot call tools. Nothing was asked. ${model} can`),
  });
  expect(running.asked()).toHaveLength(1);
});

it.each([
  ["a result of no call", { messages: [asked, { role: "tool", tool_call_id: "x", content: "y" }] }],
  ["a choice of no tool", { tool_choice: { type: "function", function: { name: "nope" } } }],
  ["two tools of one name", { tools: [openaiTools[0], openaiTools[0]] }],
  ["a tool without a name", { tools: [{ type: "function", function: { name: "" } }] }],
  [
    "arguments that are no JSON",
    {
      messages: [
        asked,
        { role: "assistant", tool_calls: [{ id: "1", type: "function", function: { name: "clock", arguments: "{" } }] },
        asked,
      ],
    },
  ],
])("refuses %s", async (_, over) => {
  const { url, asked: sent } = await startProxy({ models });
  const body = { model, messages: [asked], tools: openaiTools, ...over };
  const answer = await post(url, "/v1/chat/completions", body);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { type: "invalid_request_error" } });
  expect(sent()).toEqual([]);
});

it("never ends as a success what was cut in the middle of a call, at every byte, in every dialect", async () => {
  const lines = tokenLine("ok") + callsLine(called) + doneLine();
  const bytes = Buffer.from(lines);
  let cutAt = 0;
  const running = await startProxy({
    models,
    chat: (_, response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      response.write(bytes.subarray(0, cutAt), () => response.destroy());
    },
  });
  const stream = { model, messages: [asked], stream: true, max_tokens: 100 };
  const dialects = [
    ["/api/chat", { ...stream, tools: offered }, '"done":true'],
    ["/v1/chat/completions", { ...stream, tools: openaiTools }, "[DONE]"],
    ["/v1/messages", { ...stream, tools: anthropicTools }, "message_stop"],
    [
      "/v1/responses",
      { model, input: "hi", stream: true, tools: openaiTools.map((tool) => ({ type: "function", ...tool.function })) },
      "response.completed",
    ],
  ] as const;
  const starts = [...Array(bytes.length - 1).keys()].filter((at) => at % 7 === 1);
  for (const [path, body, success] of dialects) {
    for (cutAt of starts) {
      const answer = await post(running.url, path, body);
      const text = await answer.text();
      expect(text, `${path} cut at ${cutAt}`).not.toContain(success);
      expect(text, `${path} cut at ${cutAt}`).toContain("error");
    }
  }
});
