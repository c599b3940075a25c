// The command line as a process of its own, against a scripted model server.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  beginLines,
  doneLine,
  type Handler,
  loadingFirst,
  noModelsLoaded,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";

const main = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");
let folder: string;
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
afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(
  args: readonly string[],
  over: { input?: string; env?: object; onOutput?: (kill: () => void) => void } = {},
) {
  const env = {
    PATH: process.env["PATH"],
    SWITCHYARD_HOME: join(folder, "home"),
    SWITCHYARD_ENGINE: "ollama",
    SWITCHYARD_OLLAMA_URL: server?.url ?? "http://127.0.0.1:9",
    ...over.env,
  };
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, env });
  return new Promise<Result>((resolve) => {
    let [out, err] = ["", ""];
    child.stdout.on("data", (piece) => {
      out += piece;
      // Once: a second one could come when nobody listens any more.
      over.onOutput?.(() => !child.killed && child.kill("SIGINT"));
    });
    child.stderr.on("data", (piece) => {
      err += piece;
    });
    child.on("close", (code) => resolve({ code, out, err }));
    child.stdin.end(over.input ?? "");
  });
}

async function serve(chat: Handler, capabilities: readonly string[] = ["completion"]): Promise<void> {
  const model = { name: "qwen3.5:9b", model: "qwen3.5:9b", size: 1_000_000, details: { parameter_size: "9B" } };
  server = await startScriptedServer({
    "GET /api/version": (_, response) => sendJson(response, { version: "0.20.0" }),
    "GET /api/tags": (_, response) => sendJson(response, { models: [model] }),
    "GET /api/ps": noModelsLoaded,
    "POST /api/show": (_, response) =>
      sendJson(response, { details: {}, model_info: { "q.context_length": 8192 }, capabilities }),
    "POST /api/chat": chat,
  });
}

const says =
  (...texts: string[]): Handler =>
  (_, response) => {
    beginLines(response);
    for (const text of texts) response.write(tokenLine(text));
    response.end(doneLine());
  };

describe("the command line", { timeout: 30_000 }, () => {
  it("prints the answer on standard output and everything about it on standard error", async () => {
    await serve(says("It is ", "a mean."));
    const result = await run(["explain", "mean.js"]);
    expect(result).toMatchObject({ code: 0, out: "It is a mean.\n" });
    expect(result.err).toContain("Explain: qwen3.5:9b");
    expect(result.err).toContain("20.0 tokens/s");
    expect(result.err).toContain("12 tokens in, 40 out");
  });

  it("tests whether a model calls tools, says so with the exit code, and shows it where models are listed", async () => {
    await serve(loadingFirst(says("It is noon.")), ["completion", "tools"]);
    const failed = await run(["models", "test", "qwen3.5:9b"]);
    expect(failed).toMatchObject({ code: 1, out: expect.stringContaining("qwen3.5:9b called no tool") });
    for (const list of [["models"], ["status"]]) {
      expect((await run(list)).out).toMatch(/qwen3\.5:9b .*calls no tools \(tested \d{4}-\d\d-\d\d\)/);
    }
    await server?.close();
    const call = '{"name": "current_time", "arguments": {"city": "Oslo"}}';
    await serve(loadingFirst(says(call)), ["completion", "tools"]);
    const passed = await run(["models", "test", "qwen3.5:9b", "--json"]);
    expect(passed.code).toBe(0);
    expect(JSON.parse(passed.out)).toMatchObject([{ model: "qwen3.5:9b", calls: "text" }]);
    expect((await run(["models", "test", "gone:1b"])).code).toBe(3);
  });

  it("prints one JSON object with --json, and every event with --stream-json", async () => {
    await serve(says("It is a mean."));
    const whole = JSON.parse((await run(["explain", "mean.js", "--json"])).out);
    expect(whole).toMatchObject({ text: "It is a mean.", outcome: "done", badge: { route: { task: "explain" } } });
    const lines = (await run(["explain", "mean.js", "--stream-json"])).out.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual(["routed", "text", "done"]);
  });

  it("reads standard input, and states the kind where it is told", async () => {
    await serve(says("Yes."));
    expect(await run(["ask", "--task", "code"], { input: "is it fast?" })).toMatchObject({ code: 0, out: "Yes.\n" });
    expect(server?.bodies.join()).toContain("is it fast?");
    expect((await run(["ask", "hi", "--task", "cooking"])).code).toBe(2);
  });

  it("shows a picture to a model that sees, says where none can, and reads nothing that is none", async () => {
    await serve(says("A cat."), ["completion", "vision"]);
    expect(await run(["ask", "What is it?", "--image", "picture.png"])).toMatchObject({ code: 0, out: "A cat.\n" });
    const asked = JSON.parse(server?.bodies.find((body) => body.includes("What is it?")) ?? "");
    expect(asked.messages.at(-1).images).toEqual([Buffer.from([137, 80, 78, 71, 0, 0, 1]).toString("base64")]);
    const wrong = await run(["ask", "What is it?", "--image", "mean.js"]);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("mean.js is not a picture") });
    await server?.close();
    await serve(says("?"));
    const blind = await run(["ask", "What is it?", "--image", "picture.png"]);
    expect(blind).toMatchObject({ code: 3, err: expect.stringContaining("No model here can see pictures") });
  });

  it("exits with 10 where a review finds what --fail-on names", async () => {
    const finding = { severity: "suggestion", line: 1, quote: "export const mean", title: "Empty list", body: "NaN" };
    await serve(says(JSON.stringify({ findings: [finding] })));
    expect((await run(["review", "mean.js"])).code).toBe(0);
    expect((await run(["review", "mean.js", "--fail-on", "problem"])).code).toBe(0);
    expect((await run(["review", "mean.js", "--fail-on", "suggestion"])).code).toBe(10);
  });

  it("writes a translation beside its source, and replaces none without being told", async () => {
    await serve(says("指南"));
    expect(await run(["translate", "*.md", "--to", "zh-CN"])).toMatchObject({ code: 0, out: "guide.zh-CN.md\n" });
    expect(await readFile(join(folder, "guide.zh-CN.md"), "utf8")).toBe("# 指南\n\n指南\n");
    const again = await run(["translate", "guide.md", "--to", "zh-CN"]);
    expect(again.code).toBe(2);
    expect(again.err).toContain("--force");
    expect((await run(["translate", "guide.md", "--to", "zh-CN", "--force"])).code).toBe(0);
    const pattern = await run(["translate", "*.md", "--to", "en", "--stdout"]);
    expect(pattern.err).toContain("Left out, for it is a translation: guide.zh-CN.md");
  });

  it("writes no translation where every part came back as it was, and does where nothing had to be asked", async () => {
    await serve(says(" "));
    await writeFile(join(folder, "same.md"), "# Same\n\nOnly words.\n");
    await writeFile(join(folder, "code.md"), "```sh\nnpm ci\n```\n");
    const same = await run(["translate", "same.md", "--to", "zh-CN"]);
    expect(same).toMatchObject({ code: 1, out: "" });
    expect(same.err).toContain("No part of it could be translated");
    await expect(readFile(join(folder, "same.zh-CN.md"))).rejects.toThrow("ENOENT");
    expect(await run(["translate", "code.md", "--to", "zh-CN"])).toMatchObject({ code: 0, out: "code.zh-CN.md\n" });
  });

  it.each([
    ["missing.js", "no such file"],
    ["empty.js", "is empty"],
    ["picture.png", "not a text file"],
    ["huge.txt", "files up to 10 MB"],
    [".", "is a folder"],
  ])("refuses %s and says why", async (name, why) => {
    await serve(says("never"));
    const result = await run(["explain", name]);
    expect(result).toMatchObject({ code: 2, out: "" });
    expect(result.err).toContain(why);
    expect(server?.requests).not.toContain("POST /api/chat");
  });

  it("works on the other files when one is bad", async () => {
    await serve(says("Fine."));
    const result = await run(["explain", "empty.js", "mean.js"]);
    expect(result.code).toBe(2);
    expect(result.out).toContain("Fine.");
  });

  it("says what it tried when no server answers", async () => {
    const result = await run(["explain", "mean.js"]);
    expect(result.code).toBe(3);
    expect(result.err).toContain("127.0.0.1:9");
  });

  it("exits with 4 and the numbers when the text does not fit, and sends nothing", async () => {
    await serve(says("never"));
    await writeFile(join(folder, "long.txt"), "word ".repeat(20_000));
    const result = await run(["explain", "long.txt"]);
    expect(result.code).toBe(4);
    expect(result.err).toMatch(/\d{5} tokens/);
    expect(server?.requests).not.toContain("POST /api/chat");
  });

  it("stops the model on Ctrl-C, keeps what had come and exits with 130", async () => {
    let isGone = false;
    await serve((request, response) => {
      beginLines(response);
      response.write(tokenLine("half "));
      const timer = setInterval(() => response.write(tokenLine("more ")), 50);
      response.on("close", () => {
        isGone = true;
        clearInterval(timer);
      });
      request.resume();
    });
    const result = await run(["ask", "tell me"], { onOutput: (kill) => kill() });
    expect(result.code).toBe(130);
    expect(result.out).toContain("half");
    await expect.poll(() => isGone).toBe(true);
  });

  it("keeps what had come when the server goes away in the middle, and says that it is not whole", async () => {
    await serve((_, response) => {
      beginLines(response);
      response.write(tokenLine("half an answer"), () => response.destroy());
    });
    const result = await run(["ask", "tell me"]);
    expect(result.code).toBe(1);
    expect(result.out).toContain("half an answer");
    expect(result.err).toContain("failed");
  });

  it("lists models and servers for machines", async () => {
    await serve(says("x"));
    expect(JSON.parse((await run(["models", "--json"])).out).installed[0].name).toBe("qwen3.5:9b");
    expect(JSON.parse((await run(["status", "--json"])).out).servers[0].version).toBe("0.20.0");
  });

  it("classifies without any server", async () => {
    expect((await run(["classify", "review this code"])).out).toMatch(/^review \(\d+ %, en\)/);
  });

  it("speaks Chinese where the shell does", async () => {
    const result = await run(["explain", "missing.js"], { env: { LANG: "zh_CN.UTF-8" } });
    expect(result.err).toContain("没有这个文件");
  });

  it("answers in Chinese there too, where nothing was asked in words", async () => {
    await serve(says("求平均值。"));
    await run(["explain", "mean.js"], { env: { LANG: "zh_CN.UTF-8" } });
    expect(server?.bodies.join()).toContain("请用简体中文回答");
    await run(["ask", "what is a mean?"], { env: { LANG: "zh_CN.UTF-8" } });
    expect(server?.bodies.join()).toContain("Answer in English");
  });

  it("explains a command line that it does not understand, in both languages", async () => {
    expect(await run(["--modle", "x"])).toMatchObject({
      code: 2,
      err: "switchyard: There is no option --modle. Did you mean --model?\n",
    });
    const chinese = await run(["revew"], { env: { LANG: "zh_CN.UTF-8" } });
    expect(chinese).toMatchObject({ code: 2, err: "switchyard: 没有命令 revew。 您是想用 review 吗？\n" });
    const help = await run(["review", "--help"], { env: { LANG: "zh_CN.UTF-8" } });
    expect(help.out).toContain("选项：");
    expect(help.out).toContain("--stream-json");
    expect(help.out).not.toMatch(/Options|Usage|display help/);
  });

  it.each([
    [["ask", "hi", "--temperature", "warm"], "0 … 2"],
    [["ask", "hi", "--temperature", "9"], "0 … 2"],
    [["review", "mean.js", "--fail-on", "everything"], "problem | suggestion | style"],
    [["ask", "hi", "--max-tokens", "0"], "1, 2, 3"],
  ])("refuses %j and says what is possible", async (args, possible) => {
    await serve(says("never"));
    const result = await run(args);
    expect(result.code).toBe(2);
    expect(result.err).toContain(possible);
    expect(server?.requests).not.toContain("POST /api/chat");
  });

  it("tells machines what went wrong, too", async () => {
    await serve((_, response) => {
      beginLines(response);
      response.write(tokenLine("half"), () => response.destroy());
    });
    const whole = JSON.parse((await run(["ask", "hi", "--json"])).out);
    expect(whole).toMatchObject({ text: "half", outcome: "failed", error: { kind: "server-lost" } });
    const lines = (await run(["ask", "hi", "--stream-json"])).out.trim().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ kind: "failed", error: { kind: "server-lost" } });
  });

  it("says what a setting could be that cannot be used, and which one there is none of", async () => {
    const result = await run(["explain", "mean.js"], { env: { SWITCHYARD_ENGINE: "magic" } });
    expect(result.code).toBe(2);
    expect(result.err).toContain("“engine” has a value that cannot be used; possible: auto | ollama | embedded");
    const file = join(folder, "settings.json");
    await writeFile(file, '{ "colour": "red" }');
    expect((await run(["ask", "hi", "--config", file])).err).toContain("There is no setting “colour”");
  });
});
