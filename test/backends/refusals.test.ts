// Servers that refuse with a text that does not come to its end.
import { afterEach, describe, expect, it } from "vitest";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import { OpenAiBackend } from "../../src/backends/openai.ts";
import type { Backend } from "../../src/core/backend.ts";
import { request } from "./sample-request.ts";
import { type Handler, noModelsLoaded, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

const never = new AbortController().signal;
let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function ask(backend: Backend): Promise<void> {
  for await (const _ of backend.run(request, never));
}

describe.each<[string, Handler]>([
  ["falls silent", (_, response) => response.writeHead(500).write('{"error":"no')],
  [
    "never ends",
    (_, response) => {
      response.writeHead(500);
      const timer = setInterval(() => response.write("x".repeat(16_384)), 5);
      response.on("close", () => clearInterval(timer));
    },
  ],
])("a refusal with a text that %s is one", (_, handler) => {
  const start = async () => {
    server = await startScriptedServer({
      "POST /api/chat": handler,
      "POST /v1/chat/completions": handler,
      "GET /api/ps": noModelsLoaded,
    });
    return server.url;
  };
  const common = { name: "server", place: "this-machine", stallMs: 300 } as const;

  it("of Ollama", async () => {
    const url = await start();
    const backend = new OllamaBackend({ ...common, address: async () => url });
    await expect(ask(backend)).rejects.toMatchObject({ kind: "server-error" });
    await expect(backend.load("m", { contextTokens: 4096 }, never)).rejects.toMatchObject({ kind: "server-error" });
  });

  it("of others", async () => {
    const url = await start();
    const { host } = new URL(url);
    const backend = new OpenAiBackend({ ...common, host, address: `${url}/v1`, key: () => undefined });
    await expect(ask(backend)).rejects.toMatchObject({ kind: "server-error" });
  });
});
