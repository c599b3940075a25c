// What a command line of several files comes to, and translations that are none or only in part.
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { beginLines, doneLine, type Handler, tokenLine } from "../backends/scripted-server.ts";
import { says, useShell } from "./asking-shell.ts";

const { path, serve, run } = useShell();

describe("several files", () => {
  it("end with the code of those that failed where it is the same for all, else with 1, and each is named", async () => {
    await serve(says("Fine."));
    await writeFile(path("long.txt"), "word ".repeat(20_000));
    await writeFile(path("longer.txt"), "word ".repeat(30_000));
    const tooLong = await run(["explain", "long.txt", "mean.js", "longer.txt"]);
    expect(tooLong).toMatchObject({ code: 4, out: expect.stringContaining("Fine.") });
    expect(tooLong.err).toMatch(/switchyard: long\.txt: .+\n[\s\S]*switchyard: longer\.txt: /);
    expect((await run(["explain", "long.txt", "empty.js", "mean.js"])).code).toBe(1);
    expect((await run(["explain", "missing.js", "empty.js"])).code).toBe(2);
  });

  it("end with 5 where none of them may leave", async () => {
    const server = await serve(says("never"));
    const env = { ANTHROPIC_API_KEY: "sk-ant-test", SWITCHYARD_CLAUDE_BASE_URL: "http://127.0.0.1:9" };
    const kept = await run(["explain", "mean.js", "guide.md", "--model", "claude-sonnet-5-5"], { env });
    expect(kept).toMatchObject({ code: 5, err: expect.stringContaining("add --allow-cloud") });
    expect(server.requests).not.toContain("POST /api/chat");
  });
});

const onlyTitles: Handler = (_, response, body) => {
  beginLines(response);
  response.write(tokenLine(body.includes("Guide") ? "指南" : " "));
  response.end(doneLine());
};

describe("a translation", () => {
  it("that is one only in part is written, ends with 1 and says which lines are left", async () => {
    await serve(onlyTitles);
    await writeFile(path("part.md"), "# Guide\n\nRun it\nnow.\n\n```\ncode\n```\n\nThen stop.\n");
    const result = await run(["translate", "part.md", "--to", "zh-CN"]);
    expect(result).toMatchObject({ code: 1, out: "part.zh-CN.md\n" });
    expect(result.err).toContain("2 of 3 parts. The original stands in lines 3–4, 10.");
    expect(await readFile(path("part.zh-CN.md"), "utf8")).toContain("# 指南\n\nRun it\nnow.");
  });

  it("of a text that is in that language already asks no model and writes nothing, unless it is insisted", async () => {
    const server = await serve(says("Anew."));
    const text =
      "The service listens on a port of this machine, and it answers what you ask. When there is no model yet, it says so, and tells you what to do about that.\n";
    await writeFile(path("english.md"), text);
    const known = await run(["translate", "english.md", "--to", "en"]);
    expect(known).toMatchObject({ code: 0, out: "" });
    expect(known.err).toContain("english.md is in English already");
    await expect(readFile(path("english.en.md"))).rejects.toThrow("ENOENT");
    expect(await run(["translate", "--to", "en"], { input: text })).toMatchObject({ code: 0, out: text });
    const json = await run(["translate", "english.md", "--to", "en", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({
      text,
      outcome: "done",
      notices: [expect.stringContaining("already")],
    });
    expect(server.requests).not.toContain("POST /api/chat");
    expect(await run(["translate", "english.md", "--to", "en", "--force"])).toMatchObject({ code: 0 });
    expect(await readFile(path("english.en.md"), "utf8")).toBe("Anew.\n");
  });
});
