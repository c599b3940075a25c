// A folder with files in it, the command line that works there, and the model server that it asks.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
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
import { type Command, type Result, resultOf, startCommand } from "../harness/command-line.ts";

interface More {
  readonly input?: string;
  /** Absent: the folder of the shell. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface AskingShell {
  path(name: string): string;
  /** From now on, until the test ends. */
  serve(chat: Handler, capabilities?: readonly string[]): Promise<ScriptedServer>;
  start(args: readonly string[], more?: More): Command;
  run(args: readonly string[], more?: More): Promise<Result>;
}

/** One for all tests of a file. */
export function useShell(): AskingShell {
  let folder = "";
  let server: ScriptedServer | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "switchyard-cli-"));
    await writeFile(join(folder, "mean.js"), "export const mean = (xs) => xs.reduce((a, b) => a + b) / xs.length;\n");
    await writeFile(join(folder, "empty.js"), " \n");
    await writeFile(join(folder, "picture.png"), new Uint8Array([137, 80, 78, 71, 0, 0, 1]));
    await writeFile(join(folder, "guide.md"), "# Guide\n\nRun it now.\n");
    await writeFile(join(folder, "huge.txt"), "x".repeat(11 * 1024 * 1024));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const stop = async () => {
    await server?.close();
    server = undefined;
  };
  afterEach(stop);

  const start = (args: readonly string[], { input = "", cwd = folder, env = {} }: More = {}) =>
    startCommand(args, {
      cwd,
      input,
      env: {
        SWITCHYARD_HOME: join(folder, "home"),
        SWITCHYARD_ENGINE: "ollama",
        SWITCHYARD_OLLAMA_URL: server?.url ?? "http://127.0.0.1:9",
        ...env,
      },
    });
  return {
    path: (name) => join(folder, name),
    async serve(chat, capabilities = ["completion"]) {
      await stop();
      const model = { name: "qwen3.5:9b", model: "qwen3.5:9b", size: 1_000_000, details: { parameter_size: "9B" } };
      server = await startScriptedServer({
        ...ollamaRoutes([model]),
        "POST /api/show": (_, response) =>
          sendJson(response, { details: {}, model_info: { "q.context_length": 8192 }, capabilities }),
        "POST /api/chat": chat,
      });
      return server;
    },
    start,
    run: (args, more) => resultOf(start(args, more)),
  };
}

export const says =
  (...texts: string[]): Handler =>
  (_, response) => {
    beginLines(response);
    for (const text of texts) response.write(tokenLine(text));
    response.end(doneLine());
  };
