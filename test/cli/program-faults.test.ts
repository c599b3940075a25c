// Files, words, settings and servers that it can do nothing with: what it says, and how it ends.
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { folderProblem } from "../../src/cli/folder-problem.ts";
import { beginLines, tokenLine } from "../backends/scripted-server.ts";
import { says, useShell } from "./asking-shell.ts";

const { path, serve, run } = useShell();

describe("what the command line cannot do", () => {
  it.each([
    ["missing.js", "no such file"],
    ["empty.js", "is empty"],
    ["picture.png", "not a text file"],
    ["huge.txt", "files up to 10 MB"],
    [".", "is a folder"],
    ["*.none", "No file matches *.none"],
  ])("refuses %s and says why", async (name, why) => {
    const server = await serve(says("never"));
    const result = await run(["explain", name]);
    expect(result).toMatchObject({ code: 2, out: "" });
    expect(result.err).toContain(why);
    expect(server.requests).not.toContain("POST /api/chat");
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
    const server = await serve(says("never"));
    await writeFile(path("long.txt"), "word ".repeat(20_000));
    const result = await run(["explain", "long.txt"]);
    expect(result.code).toBe(4);
    expect(result.err).toMatch(/\d{5} tokens/);
    expect(server.requests).not.toContain("POST /api/chat");
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
    [["serve", "--drain", "soon"], "0 … 86400"],
    [["serve", "--host", "256.1.1.1", "--port", "0"], "256.1.1.1 is no address of this machine"],
    [["connect", "nothing"], "<program> cannot be “nothing”; possible: claude-code | cline"],
    [["models", "get", "x"], "models has no such command; possible: delete | pull"],
    [["models", "pause", "nothing"], "nothing is not being got"],
    [["ask", "--image", "picture.png", "what is it?"], "Say it before --image"],
  ])("refuses %j and says what is possible", async (args, possible) => {
    const server = await serve(says("never"));
    const result = await run(args);
    expect(result.code).toBe(2);
    expect(result.err).toContain(possible);
    expect(server.requests).not.toContain("POST /api/chat");
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
    const address = await run(["ask", "hi"], { env: { SWITCHYARD_OLLAMA_URL: "my box" } });
    expect(address.err).toContain("“ollamaUrl” has a value that cannot be used; possible: http://127.0.0.1:11434");
    const file = path("settings.json");
    await writeFile(file, '{ "colour": "red" }');
    expect((await run(["ask", "hi", "--config", file])).err).toContain("There is no setting “colour”");
  });

  it("does nothing without settings that it was to go by: a named file that is missing, one that cannot be read", async () => {
    const server = await serve(says("never"));
    const missing = await run(["ask", "hi", "--config", path("none.json")]);
    expect(missing).toMatchObject({
      code: 2,
      err: expect.stringContaining("none.json cannot be read: there is no such"),
    });
    await mkdir(path("home/config.json"), { recursive: true });
    const folder = await run(["ask", "hi"]);
    await rm(path("home/config.json"), { recursive: true });
    expect(folder).toMatchObject({
      code: 2,
      err: expect.stringContaining("config.json cannot be read: it is a folder"),
    });
    await writeFile(path("list.json"), "[]");
    expect((await run(["ask", "hi", "--config", path("list.json")])).err).toContain("is not a JSON object");
    for (const [text, line] of [
      ['{\n  "cache": true,\n}', 3],
      ['{\n  "cache": true,\n  // why\n}', 3],
      ['{\n"cache": tr', 2],
    ] as const) {
      await writeFile(path("broken.json"), text);
      const broken = await run(["ask", "hi", "--config", path("broken.json")]);
      expect(broken).toMatchObject({
        code: 2,
        err: expect.stringContaining(`broken.json is no JSON: see line ${line}.`),
      });
    }
    expect(server.requests).not.toContain("POST /api/chat");
  });

  it("says which folder it cannot write to, and how to name another one", async () => {
    const env = { SWITCHYARD_HOME: path("mean.js") };
    for (const args of [["serve"], ["serve", "--show-token"]]) {
      const result = await run(args, { env });
      expect(result).toMatchObject({ code: 1, out: "" });
      expect(result.err).toMatch(/^switchyard: .*mean\.js cannot be written \(\w+\)\. .*SWITCHYARD_HOME/);
    }
  });

  it("says at once that nothing can be kept where SWITCHYARD_HOME points, also below /proc, and makes nothing there", async () => {
    const below = process.platform === "linux" ? ["/proc/switchyard", "/proc"] : [];
    for (const home of [path("mean.js"), path("mean.js/below"), ...below]) {
      for (const args of [["ask", "hi"], ["models", "pull", "smollm2:135m"], ["status"]]) {
        const result = await run(args, { env: { SWITCHYARD_HOME: home } });
        expect(result).toMatchObject({ code: 1, out: "" });
        expect(result.err).toMatch(/^switchyard: \S+ cannot be written \(\w+\)\. .*SWITCHYARD_HOME.*\n$/);
      }
    }
    expect(folderProblem(path("new/home"))).toBeUndefined();
    await expect(stat(path("new"))).rejects.toThrow("ENOENT");
  });

  it("says nothing of whether a model fits of which the library knows nothing", async () => {
    await serve(says("never"));
    const unknown = await run(["models", "pull", "unknown:1b"]);
    expect(unknown.code).toBe(3);
    expect(unknown.err).not.toContain("It fits");
  });

  it("says in words why the sources of a model cannot be used, in both languages", async () => {
    const sources = `file://${path("none")}/{file} http://nowhere.invalid/{file}`;
    const env = {
      SWITCHYARD_ENGINE: "embedded",
      SWITCHYARD_WEIGHT_SOURCES: sources,
      HTTPS_PROXY: "http://127.0.0.1:9",
    };
    const { code, err } = await run(["models", "pull", "qwen2.5:0.5b"], { env });
    expect(code).toBe(1);
    expect(err).toMatch(/file:\/\/\S+: there is no such file\n/);
    expect(err).toMatch(/http:\/\/nowhere\.invalid\/\S+: name not found\n/);
    expect(err).toMatch(/switchyard: qwen2\.5:0\.5b is to be had nowhere: there is no such file: file:\S+; /);
    expect(err).not.toMatch(/ENOENT|ENOTFOUND|fetch failed|copyfile/);
    const chinese = await run(["models", "pull", "qwen2.5:0.5b"], { env: { ...env, LANG: "zh_CN.UTF-8" } });
    expect(chinese.err).toContain("没有这个文件");
  });

  it("names the models that the built-in engine can get where it is asked for another one, and keeps no download of it", async () => {
    const env = { SWITCHYARD_ENGINE: "embedded", LANG: "zh_CN.UTF-8" };
    const pulled = await run(["models", "pull", "nothing:1b"], { env });
    expect(pulled).toMatchObject({
      code: 3,
      err: expect.stringContaining("内置引擎无法获取 nothing:1b，可以获取的有："),
    });
    expect((await run(["models", "downloads"], { env })).out).not.toContain("nothing:1b");
  });

  it("says so where no model is there to be listed", async () => {
    expect((await run(["models"])).out).toContain("switchyard status");
  });

  it("reads settings that begin with a mark of their encoding", async () => {
    await serve(says("Fine."));
    await writeFile(path("marked.json"), '\ufeff{ "cache": false }');
    expect(await run(["ask", "hi", "--config", path("marked.json")])).toMatchObject({ code: 0 });
  });
});
