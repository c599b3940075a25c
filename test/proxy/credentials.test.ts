// Names and passwords in the addresses of servers are for those servers alone.
import { describe, expect, it, onTestFinished } from "vitest";
import { createApp } from "../../src/app.ts";
import { formatMessage } from "../../src/core/message.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { ollamaRoutes, type ScriptedServer, sendJson, startScriptedServer } from "../backends/scripted-server.ts";
import { newShell, type Shell } from "../service/serving.ts";
import { known, post, startProxy, tag } from "./harness.ts";

const secret = "hunter2";
const withSecret = (url: string) => url.replace("://", `://ann:${secret}@`);
const nowhere = (scheme: string) => `${scheme}://ann:${secret}@127.0.0.1:9`;
const others = {
  redisUrl: nowhere("redis"),
  downloadProxy: nowhere("http"),
  claudeBaseUrl: nowhere("http"),
  weightSources: [`${nowhere("http")}/{file}`],
};
/** Reaches servers that want a name and a password. */
const knowingFetch: typeof fetch = (input, init) => {
  const url = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
  return fetch(url.replace(`ann:${secret}@`, ""), init);
};

async function startModel(name: string): Promise<ScriptedServer> {
  const server = await startScriptedServer({
    ...ollamaRoutes([tag(name, "completion")]),
    "GET /v1/models": (_, response) => sendJson(response, { data: [{ id: name }] }),
  });
  onTestFinished(() => server.close());
  return server;
}

describe("the password in a server's address", () => {
  it("is in nothing that the service says of servers that answer and of those that do not", async () => {
    const said: string[] = [];
    const [own, node] = [await startModel("own:1b"), await startModel("node:1b")];
    const { url } = await startProxy({
      settings: {
        ...others,
        ollamaUrl: withSecret(own.url),
        nodes: [
          { url: withSecret(node.url) },
          { url: `${withSecret(node.url)}/v1`, kind: "openai" },
          { url: nowhere("http") },
          { url: `http://ann:${secret}@no-such-host.invalid:1` },
        ],
      },
      app: {
        fetch: knowingFetch,
        log: (_, text) => said.push(text),
        notice: (text) => said.push(formatMessage(text)),
      },
    });
    const ask = (model: string) => post(url, "/api/chat", { model, messages: [{ role: "user", content: "x" }] });
    for (const answer of [
      ...(await Promise.all(
        ["/health", "/metrics", "/api/tags", "/api/ps"].map((path) => fetch(url + path, { headers: known })),
      )),
      ...(await Promise.all(["own:1b", "node:1b", "none:1b"].map(ask))),
    ]) {
      said.push(JSON.stringify([...answer.headers]), await answer.text());
    }
    expect(said.join("\n")).toContain(new URL(node.url).host);
    expect(said.join("\n")).toContain("127.0.0.1:9");
    expect(said.filter((text) => text.includes(secret))).toEqual([]);
  });

  it("is in no error, status or list of an app that reaches nothing", async () => {
    const said: string[] = [];
    const app = createApp({
      settings: {
        ...defaultSettings,
        ...others,
        engine: "ollama",
        ollamaUrl: nowhere("http"),
        nodes: [{ url: nowhere("http") }],
      },
      folders: { home: "/nonexistent", engineEntry: "none" },
      log: (_, text) => said.push(text),
      env: { OLLAMA_HOST: `http://ann:${secret}@127.0.0.1:8` },
      askedBy: "shell",
    });
    onTestFinished(() => app.dispose());
    const { signal } = new AbortController();
    said.push(JSON.stringify(await app.status(signal)));
    const failed = await app.preview({ text: "x", sources: [], history: [] }, signal).catch((error: unknown) => error);
    expect(failed).toMatchObject({ kind: "server-unreachable" });
    said.push(String(failed), JSON.stringify(failed));
    expect(said.join("\n")).toContain("http://127.0.0.1:9");
    expect(said.filter((text) => text.includes(secret))).toEqual([]);
  });

  it("is not printed by the shell, in text and in JSON", async () => {
    const shell: Shell = await newShell();
    onTestFinished(() => shell.close());
    const env = {
      SWITCHYARD_OLLAMA_URL: nowhere("http"),
      SWITCHYARD_LOG: "1",
      DOCKER_HOST: `tcp://ann:${secret}@127.0.0.1:7`,
      HTTPS_PROXY: nowhere("http"),
    };
    for (const args of [
      ["status"],
      ["status", "--json"],
      ["ask", "x"],
      ["ask", "x", "--json"],
      ["services"],
      ["doctor"],
    ]) {
      const { out, err } = await shell.run(args, env);
      expect(out + err, args.join(" ")).toMatch(/127\.0\.0\.1:[97]/);
      expect(out + err, args.join(" ")).not.toContain(secret);
    }
  });
});
