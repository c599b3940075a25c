// A question that a model server refuses is the client's error, and nothing is wrong with the server.
import { expect, it } from "vitest";
import {
  doneLine,
  type Handler,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";
import { post, sayHello, sayLines, startProxy, tag } from "./harness.ts";

const model = "llama3.1:8b";
const refuse: Handler = (_, response) => sendJson(response, { error: "invalid format: unknown keyword" }, 400);
const chat = (text: string) => ({ model, messages: [{ role: "user", content: text }], stream: false });

it("is told with 400, which clients do not ask again, and the server goes on answering", async () => {
  const handler: Handler = (request, response, body) =>
    (body.includes("unknown") ? refuse : sayHello)(request, response, body);
  const { url, app } = await startProxy({ chat: handler });
  for (let count = 0; count < 4; count++) {
    const answer = await post(url, "/v1/chat/completions", chat(`unknown ${count}`));
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("invalid format");
  }
  const [server] = await app.status(new AbortController().signal);
  expect(server?.condition ?? "ready").toBe("ready");
  expect((await post(url, "/api/chat", chat("known"))).status).toBe(200);
});

it("also by a server with OpenAI's API", async () => {
  const other: ScriptedServer = await startScriptedServer({
    "GET /v1/models": (_, response) => sendJson(response, { data: [{ id: "own" }] }),
    "POST /v1/chat/completions": (_, response) =>
      sendJson(response, { error: { message: "top_k: not allowed", type: "invalid_request_error" } }, 422),
  });
  const { url } = await startProxy({ settings: { nodes: [{ url: other.url, kind: "openai" }] } });
  const answer = await post(url, "/v1/chat/completions", { ...chat("x"), model: "own" });
  await other.close();
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain("top_k: not allowed");
});

it("a model that makes vectors only is told as that, not as missing", async () => {
  const { url } = await startProxy({ models: [tag("nomic:1b", "embedding")] });
  const answer = await post(url, "/v1/chat/completions", { ...chat("x"), model: "nomic:1b" });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain("makes vectors of texts");
});

it("where a model only says its instructions back, is an error with the reason instead of an empty answer", async () => {
  const finding = {
    line: 7,
    quote: "",
    title: "The file is never closed",
    body: "Each call leaves one more file open; after many of them no file can be opened any more.",
    severity: "problem",
  };
  const { url } = await startProxy({ chat: sayLines(tokenLine(JSON.stringify({ findings: [finding] })), doneLine()) });
  const answer = await post(url, "/api/generate", { prompt: "let a = 1;", task_type: "review", model });
  expect(answer.status).toBe(502);
  expect(await answer.text()).toContain("The model only repeated its instructions");
});
