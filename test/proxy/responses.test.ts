// OpenAI's responses, and the older completions.
import type OpenAI from "openai";
import { expect, it } from "vitest";
import { doneLine, tokenLine } from "../backends/scripted-server.ts";
import { failure, openaiFor } from "./clients.ts";
import { callsLine, sayLines, startProxy, tag } from "./harness.ts";

const model = "qwen2.5:7b";
const models = [tag(model, "completion", "tools", "thinking")];
const weather: OpenAI.Responses.FunctionTool = {
  type: "function",
  name: "weather",
  strict: false,
  parameters: { type: "object", properties: { city: { type: "string" } } },
};
const thoughtLine = `${JSON.stringify({ model: "m", message: { role: "assistant", content: "", thinking: "hm" }, done: false })}\n`;

it("answers whole and in events that the openai client puts together, in the order of their numbers", async () => {
  const running = await startProxy();
  const { responses } = openaiFor(running);
  const whole = await responses.create({ model: "llama3.1:8b", input: "hi", instructions: "Be brief." });
  expect(whole.output_text).toBe("Hello 世界");
  expect(whole).toMatchObject({
    status: "completed",
    usage: { input_tokens: 12, output_tokens: 40, total_tokens: 52 },
  });
  expect(running.asked()[0]?.messages).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "hi" },
  ]);
  const events: OpenAI.Responses.ResponseStreamEvent[] = [];
  const stream = await responses.create({ model: "switchyard/auto", input: "hi there", stream: true });
  for await (const event of stream) events.push(event);
  expect(events.map((event) => event.type)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    ...Array(3).fill("response.output_text.delta"),
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
  expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()]);
  const final = await responses.stream({ model: "switchyard/auto", input: "hi again" }).finalResponse();
  expect(final.output_text).toBe("Hello 世界");
  expect(final.model).toBe("llama3.1:8b");
});

it("calls functions, shows what was thought, and takes results back as items", async () => {
  const chat = sayLines(
    thoughtLine,
    tokenLine("I look."),
    callsLine({ name: "weather", arguments: { city: "Oslo" } }, { name: "weather", arguments: { city: "Rome" } }),
    doneLine(),
  );
  const running = await startProxy({ chat, models });
  const { responses } = openaiFor(running);
  const base = { model, tools: [weather], reasoning: { effort: "high" as const } };
  const first = await responses.stream({ ...base, input: "Where is it warmer?" }).finalResponse();
  expect(first.output).toMatchObject([
    { type: "reasoning", summary: [{ text: "hm" }] },
    { type: "message", content: [{ text: "I look." }] },
    { type: "function_call", name: "weather", arguments: '{"city":"Oslo"}', status: "completed" },
    { type: "function_call", name: "weather", arguments: '{"city":"Rome"}' },
  ]);
  const whole = await responses.create({ ...base, input: "And where is it colder?" });
  expect(whole.output.map((item) => item.type)).toEqual(first.output.map((item) => item.type));
  const calls = whole.output.filter((item) => item.type === "function_call");
  const made = whole.output.filter(
    (item) => item.type === "reasoning" || item.type === "message" || item.type === "function_call",
  );
  const results = calls.map(({ call_id: id }) => ({
    type: "function_call_output" as const,
    call_id: id,
    output: "20",
  }));
  await responses.create({
    ...base,
    input: [{ role: "user", content: "And where is it colder?" }, ...made, ...results],
  });
  expect(running.asked()[2]).toMatchObject({
    think: true,
    messages: [
      { role: "user" },
      { role: "assistant", content: "I look.", tool_calls: [{}, {}] },
      { role: "tool", content: "20", tool_name: "weather", tool_call_id: calls[0]?.call_id },
      { role: "tool", content: "20" },
    ],
  });
});

it("offers a custom tool as a function of one text, as Codex needs it, and leaves out what only OpenAI can do", async () => {
  const chat = sayLines(callsLine({ name: "apply_patch", arguments: { input: "*** Begin" } }), doneLine());
  const running = await startProxy({ chat, models });
  const answer = await openaiFor(running).responses.create({
    model,
    input: "Fix it.",
    store: false,
    prompt_cache_key: "codex-1",
    tools: [{ type: "custom", name: "apply_patch" }, { type: "web_search" }],
  });
  expect(answer.output).toMatchObject([{ type: "custom_tool_call", name: "apply_patch", input: "*** Begin" }]);
  expect(answer.tools.map((tool) => tool.type)).toEqual(["custom"]);
  expect(running.asked()[0]?.tools).toMatchObject([
    { function: { name: "apply_patch", parameters: { required: ["input"] } } },
  ]);
});

it("passes the form of the answer on, and says that an answer was cut", async () => {
  const chat = sayLines(tokenLine("{"), doneLine({ done_reason: "length" }));
  const running = await startProxy({ chat });
  const schema = { type: "object", properties: { a: { type: "number" } } };
  const answer = await openaiFor(running).responses.create({
    model: "llama3.1:8b",
    input: "hi",
    max_output_tokens: 20,
    text: { format: { type: "json_schema", name: "x", schema } },
  });
  expect(running.asked()[0]).toMatchObject({ format: schema, options: { num_predict: 20 } });
  const cut = {
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
    output: [{ status: "incomplete", content: [{ text: "{" }] }],
  };
  expect(answer).toMatchObject(cut);
  const streamed = openaiFor(running).responses.stream({
    model: "llama3.1:8b",
    input: "hi there",
    max_output_tokens: 20,
  });
  expect(await streamed.finalResponse()).toMatchObject(cut);
});

it("is refused where it would need a memory, and fails as an error where the model breaks off", async () => {
  const running = await startProxy({ chat: sayLines(tokenLine("half")) });
  const { responses } = openaiFor(running);
  const refused = await failure(responses.create({ model: "llama3.1:8b", input: "x", previous_response_id: "resp_1" }));
  expect(refused).toMatchObject({ status: 400, message: expect.stringContaining("whole conversation") });
  const types: string[] = [];
  const read = async () => {
    const stream = await responses.create({ model: "llama3.1:8b", input: "x", stream: true });
    for await (const event of stream) types.push(event.type);
  };
  expect(await failure(read())).toBeInstanceOf(Error);
  expect(types.at(-1)).toBe("response.failed");
  expect(await failure(responses.stream({ model: "llama3.1:8b", input: "x" }).finalResponse())).toBeInstanceOf(Error);
});

it("completes a text for the openai client, whole and streamed", async () => {
  const running = await startProxy();
  const { completions } = openaiFor(running);
  const base = { model: "llama3.1:8b", prompt: "Say hello" };
  const whole = await completions.create({ ...base, max_tokens: 9 });
  expect(whole).toMatchObject({ object: "text_completion", choices: [{ text: "Hello 世界", finish_reason: "stop" }] });
  let text = "";
  let usage: unknown;
  const stream = await completions.create({ ...base, stream: true, stream_options: { include_usage: true } });
  for await (const part of stream) {
    text += part.choices[0]?.text ?? "";
    usage = part.usage ?? usage;
  }
  expect(text).toBe("Hello 世界");
  expect(usage).toMatchObject({ total_tokens: 52 });
});
