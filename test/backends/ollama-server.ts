// An Ollama that answers as told, behind the product's own backend; it ends with its test.
import { afterEach } from "vitest";
import { OllamaBackend, type OllamaOptions } from "../../src/backends/ollama.ts";
import { type Handler, noModelsLoaded, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

const servers: ScriptedServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** @param routes besides the chat, where no model is loaded */
export async function startOllama(
  chat: Handler,
  routes: Readonly<Record<string, Handler>> = {},
  options: Partial<OllamaOptions> = {},
) {
  const server = await startScriptedServer({ "POST /api/chat": chat, "GET /api/ps": noModelsLoaded, ...routes });
  servers.push(server);
  const address = async () => server.url;
  const backend = new OllamaBackend({
    name: "test server",
    place: "this-machine",
    address,
    stallMs: 300,
    ...options,
  });
  return { backend, server };
}
