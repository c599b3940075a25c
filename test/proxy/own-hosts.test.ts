// What goes to hosts of the person's own leaves this machine: it is in the ledger, of questions and of texts for vectors.
import { afterEach, expect, it } from "vitest";
import {
  beginLines,
  doneLine,
  type Handler,
  ollamaRoutes,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";
import { outsideAddress as outside } from "../harness/outside-address.ts";
import { post, startProxy, tag } from "./harness.ts";

let box: ScriptedServer | undefined;
afterEach(async () => {
  await box?.close();
  box = undefined;
});

const say: Handler = (_, response) => {
  beginLines(response);
  response.end(tokenLine("Hello") + doneLine());
};
const embed: Handler = (_, response, body) => {
  const { model, input } = JSON.parse(body);
  sendJson(response, { model, embeddings: input.map(() => [0.5]), prompt_eval_count: 7 });
};

async function startBox(env: Readonly<Record<string, string>> = {}) {
  const models = [tag("box:7b", "completion"), tag("vectors:1b", "embedding")];
  const routes = { ...ollamaRoutes(models, "0.13.0"), "POST /api/chat": say, "POST /api/embed": embed };
  const started = await startScriptedServer(routes, outside);
  box = started;
  const { host } = new URL(started.url);
  const settings = { nodes: [{ url: started.url }], trustedHosts: [host], pinnedModels: { chat: "box:7b" } };
  const own = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace("BOX", host)]));
  const { url, app } = await startProxy({ settings, app: { env: own } });
  await post(url, "/api/chat", { model: "box:7b", messages: [{ role: "user", content: "hi" }] }).then((a) => a.text());
  const made = await post(url, "/v1/embeddings", { model: "vectors:1b", input: ["one text", "another"] });
  expect(made.status).toBe(200);
  const bytesOf = (path: string) => Buffer.byteLength(started.bodies[started.requests.lastIndexOf(path)] ?? "");
  return { app, entries: await app.ledger.list(), host, bytesOf };
}

it.skipIf(!outside)("with the setting that allows it, and the bytes that went out", async () => {
  const { entries, host, bytesOf } = await startBox();
  const common = { destination: host, allowedBy: "trustedHosts", outcome: "done", askedBy: "proxy", costUsd: 0 };
  expect(entries).toHaveLength(2);
  expect(entries.find(({ task }) => task === "embed")).toMatchObject({
    ...common,
    model: "vectors:1b",
    promptTokens: 7,
    bytes: JSON.stringify(["one text", "another"]).length,
  });
  expect(entries.find(({ task }) => task !== "embed")).toMatchObject({
    ...common,
    model: "box:7b",
    bytes: bytesOf("POST /api/chat"),
  });
});

it.skipIf(!outside)("of a short question of our own as well, by which advice is measured", async () => {
  const { app, host } = await startBox();
  const { answers } = await app.advice.probe({ probe: ["chat"] }, new AbortController().signal);
  expect(answers).toHaveLength(1);
  const asked = (await app.ledger.list()).filter(({ task }) => task !== "embed");
  expect(asked).toHaveLength(2);
  const common = { destination: host, allowedBy: "trustedHosts", outcome: "done" };
  for (const each of asked) expect(each).toMatchObject(common);
  expect(box?.requests.filter((path) => path === "POST /api/chat")).toHaveLength(2);
});

it.skipIf(!outside)("but for hosts of the same installation", async () => {
  const { entries } = await startBox({ SWITCHYARD_OWN_HOSTS: "redis:6379 BOX" });
  expect(entries).toEqual([]);
});
