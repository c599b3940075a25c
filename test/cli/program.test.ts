// The command line as a process of its own, against a scripted model server.
import { readFile, rm, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { beginLines, loadingFirst, tokenLine } from "../backends/scripted-server.ts";
import { says, useShell } from "./asking-shell.ts";

const { path, serve, run, start } = useShell();

describe("the command line", () => {
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
    const server = await serve(says("Yes."));
    expect(await run(["ask", "--task", "code"], { input: "is it fast?" })).toMatchObject({ code: 0, out: "Yes.\n" });
    expect(server.bodies.join()).toContain("is it fast?");
    expect((await run(["ask", "hi", "--task", "cooking"])).code).toBe(2);
  });

  it("asks about files, and about what is piped in beside the question", async () => {
    const server = await serve(says("A mean."));
    const asked = await run(["ask", "what is it for?", "--task", "explain", "--file", "mean.js", "-"], {
      input: "+ added",
    });
    expect(asked).toMatchObject({ code: 0, out: "A mean.\n" });
    for (const part of ["what is it for?", "export const mean", "+ added"])
      expect(server.bodies.join()).toContain(part);
    expect((await run(["ask", "what is it?", "--file", "gone.js"])).code).toBe(2);
  });

  it("shows a picture to a model that sees, says where none can, and reads nothing that is none", async () => {
    const server = await serve(says("A cat."), ["completion", "vision"]);
    expect(await run(["ask", "What is it?", "--image", "picture.png"])).toMatchObject({ code: 0, out: "A cat.\n" });
    const asked = JSON.parse(server.bodies.find((body) => body.includes("What is it?")) ?? "");
    expect(asked.messages.at(-1).images).toEqual([Buffer.from([137, 80, 78, 71, 0, 0, 1]).toString("base64")]);
    const wrong = await run(["ask", "What is it?", "--image", "mean.js"]);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("mean.js is not a picture") });
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

  it("exits with 1 where a review came to nothing that could be read: it found no fault, and it looked at none", async () => {
    await serve(says("Looks fine to me."));
    expect((await run(["review", "mean.js"])).code).toBe(1);
    expect((await run(["review", "mean.js", "--fail-on", "problem"])).code).toBe(1);
    await serve(says(JSON.stringify({ findings: [] })));
    expect((await run(["review", "mean.js", "--fail-on", "problem"])).code).toBe(0);
  });

  it("reads a file in GBK as what it is, and says so", async () => {
    const server = await serve(says("Hello, world."));
    await writeFile(path("gbk.txt"), Uint8Array.from([0xc4, 0xe3, 0xba, 0xc3, 0xa3, 0xac, 0xca, 0xc0, 0xbd, 0xe7]));
    const read = await run(["translate", "gbk.txt", "--stdout"]);
    expect(read).toMatchObject({ code: 0, err: expect.stringContaining("it was read as GB18030") });
    expect(server.bodies.join()).toContain("你好，世界");
  });

  it("keeps what is piped into a question here where its folder is local only", async () => {
    await serve(says("Yes."));
    await writeFile(path(".localonly"), "");
    try {
      const env = { ANTHROPIC_API_KEY: "sk-ant-test", SWITCHYARD_CLAUDE_BASE_URL: "http://127.0.0.1:9" };
      const asked = ["ask", "--model", "claude-sonnet-5-5", "--allow-cloud"];
      const kept = await run(asked, { env, input: "What does `let secret = 1` do?" });
      expect(kept).toMatchObject({ code: 5, err: expect.stringContaining("the file .localonly in") });
    } finally {
      await rm(path(".localonly"));
    }
  });

  it("exits with 5 where a model of Claude was named or pinned and nothing may leave, and says what keeps it away", async () => {
    await serve(says("Yes."));
    const named = ["explain", "mean.js", "--model", "claude-sonnet-5-5"];
    const env = { ANTHROPIC_API_KEY: "sk-ant-test", SWITCHYARD_CLAUDE_BASE_URL: "http://127.0.0.1:9" };
    const unasked = await run(named, { env });
    expect(unasked).toMatchObject({ code: 5, err: expect.stringContaining("add --allow-cloud") });
    const pins = path("pins.json");
    await writeFile(pins, '{ "pinnedModels": { "explain": "claude-sonnet-5-5" } }');
    const pinned = await run(["explain", "mean.js", "--config", pins], { env });
    expect(pinned).toMatchObject({ code: 5, out: "", err: expect.stringContaining("add --allow-cloud") });
    const offline = await run([...named, "--offline", "--allow-cloud"], { env });
    expect(offline).toMatchObject({ code: 5, err: expect.stringContaining("Offline is on") });
    const keyless = await run([...named, "--allow-cloud"]);
    expect(keyless).toMatchObject({ code: 3, err: expect.stringContaining("there is no key (ANTHROPIC_API_KEY") });
    expect(keyless.err).not.toContain("models pull");
  });

  it("writes a translation beside its source, and replaces none without being told", async () => {
    await serve(says("指南"));
    expect(await run(["translate", "*.md", "--to", "zh-CN"])).toMatchObject({ code: 0, out: "guide.zh-CN.md\n" });
    expect(await readFile(path("guide.zh-CN.md"), "utf8")).toBe("# 指南\n\n指南\n");
    const again = await run(["translate", "guide.md", "--to", "zh-CN"]);
    expect(again.code).toBe(2);
    expect(again.err).toContain("--force");
    expect((await run(["translate", "guide.md", "--to", "zh-CN", "--force"])).code).toBe(0);
    const pattern = await run(["translate", "*.md", "--to", "en", "--stdout"]);
    expect(pattern.err).toContain("Left out, for it is a translation: guide.zh-CN.md");
  });

  it("writes no translation where every part came back as it was, and does where nothing had to be asked", async () => {
    await serve(says(" "));
    await writeFile(path("same.md"), "# Same\n\nOnly words.\n");
    await writeFile(path("code.md"), "```sh\nnpm ci\n```\n");
    const same = await run(["translate", "same.md", "--to", "zh-CN"]);
    expect(same).toMatchObject({ code: 1, out: "" });
    expect(same.err).toContain("No part of it could be translated");
    await expect(readFile(path("same.zh-CN.md"))).rejects.toThrow("ENOENT");
    expect((await run(["translate", "same.md", "--to", "zh-CN", "--stdout"])).code).toBe(1);
    expect((await run(["translate", "--to", "zh-CN"], { input: "Only words.\n" })).code).toBe(1);
    expect(await run(["translate", "code.md", "--to", "zh-CN"])).toMatchObject({ code: 0, out: "code.zh-CN.md\n" });
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
    const asking = start(["ask", "tell me"]);
    await expect.poll(asking.out).toContain("half");
    asking.child.kill("SIGINT");
    expect(await asking.ended).toBe(130);
    await expect.poll(() => isGone).toBe(true);
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
    const server = await serve(says("求平均值。"));
    await run(["explain", "mean.js"], { env: { LANG: "zh_CN.UTF-8" } });
    expect(server.bodies.join()).toContain("请用简体中文回答");
    await run(["ask", "what is a mean?"], { env: { LANG: "zh_CN.UTF-8" } });
    expect(server.bodies.join()).toContain("Answer in English");
  });
});
