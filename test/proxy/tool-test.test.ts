// What other programs are told of a model, and what they may send it, after a test of its calling tools.
import { expect, it } from "vitest";
import { doneLine, type Handler, loadingFirst, sendJson, startScriptedServer } from "../backends/scripted-server.ts";
import { callsLine, known, post, sayHello, sayLines, startProxy, tag } from "./harness.ts";

const model = "qwen2.5:7b";
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }];
const messages = [{ role: "user", content: "Weather?" }];
const calls: Handler = sayLines(callsLine({ name: "weather", arguments: {} }), doneLine());

async function capabilities(url: string, name: string): Promise<readonly string[]> {
  const shown = await (await post(url, "/api/show", { model: name })).json();
  const { models } = await (await fetch(`${url}/api/tags`, { headers: known })).json();
  const listed = models.find((each: { readonly name: string }) => each.name === name).capabilities;
  expect(listed).toEqual(shown.capabilities);
  return listed;
}

it("one that failed is not said to call tools, and gets none", async () => {
  const { url, app } = await startProxy({ chat: loadingFirst(sayHello), models: [tag(model, "completion", "tools")] });
  expect(await capabilities(url, model)).toContain("tools");
  expect(await capabilities(url, "switchyard/auto")).toContain("tools");
  await app.testTools(model, new AbortController().signal);
  expect(await capabilities(url, model)).toEqual(["completion"]);
  expect(await capabilities(url, "switchyard/auto")).not.toContain("tools");
  const refused = await post(url, "/v1/chat/completions", { model, messages, tools });
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain("called no tool when it was tested");
  expect((await post(url, "/v1/chat/completions", { model, messages })).status).toBe(200);
});

it("who is asked in its place says why in the header", async () => {
  let chat = loadingFirst(sayHello);
  const { url, app } = await startProxy({
    chat: (...given) => chat(...given),
    models: [tag(model, "completion", "tools"), tag("small:1b", "completion", "tools")],
  });
  await app.testTools(model, new AbortController().signal);
  chat = loadingFirst(calls);
  const answer = await post(url, "/v1/chat/completions", { model: "switchyard/auto", messages, tools });
  expect(answer.headers.get("x-switchyard-model")).toBe("small:1b");
  expect(answer.headers.get("x-switchyard-why")).toContain(`${model} called no tool when it was tested`);
});

it("one of a server that does not tell what its models can is said to call tools once it has", async () => {
  const other = await startScriptedServer({
    "GET /v1/models": (_, response) => sendJson(response, { data: [{ id: "own" }] }),
    "POST /v1/chat/completions": (_, response) => {
      const call = { index: 0, id: "1", function: { name: "current_time", arguments: '{"city":"Oslo"}' } };
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(
        `data: ${JSON.stringify({ choices: [{ delta: { tool_calls: [call] }, finish_reason: "tool_calls" }] })}\n\n`,
      );
    },
  });
  try {
    const { url, app } = await startProxy({ settings: { nodes: [{ url: other.url, kind: "openai" }] } });
    expect(await capabilities(url, "own")).toEqual(["completion"]);
    expect(await app.testTools("own", new AbortController().signal)).toMatchObject([{ calls: "yes" }]);
    expect(await capabilities(url, "own")).toEqual(["completion", "tools"]);
  } finally {
    await other.close();
  }
});
