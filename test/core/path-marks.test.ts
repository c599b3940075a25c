import { describe, expect, it } from "vitest";
import { readClaudeBody } from "../../src/core/claude-body.ts";
import { pathMarks } from "../../src/core/path-marks.ts";
import { processorMs } from "../harness/processor-time.ts";

const said = (content: unknown) => readClaudeBody({ messages: [{ role: "user", content }] }).texts;
const called = (input: object) => said([{ type: "tool_use", id: "t", name: "n", input }]);
const result = (text: string) => said([{ type: "tool_result", tool_use_id: "t", content: text }]);
const named = (texts: ReturnType<typeof said>) =>
  pathMarks(texts).marks.map(({ path, isGuess }) => (isGuess ? `${path}?` : path));

describe("the files that a request names", () => {
  it("are those that a tool is called with, under the names that programs give them", () => {
    const input = {
      ...{ file_path: "/a", notebook_path: "/b", path: "c", filePath: "d", relativePath: "e", uri: "file:///f" },
      ...{ files: ["g", { path: "h" }], target_directory: "i", pattern: "**/*.ts", url: "https://x/y", content: "/no" },
    };
    expect(named(called(input)).sort()).toEqual(["/a", "/b", "c", "d", "e", "file:///f", "g", "h", "i"]);
    expect(named(called({ path: "https://example.com/a" }))).toEqual([]);
    expect(named(called({ file: "many\nlines of text" }))).toEqual([]);
  });

  it("may be any word of a command", () => {
    expect(named(called({ command: "cat 'a b'/x.ts | (grep -n y>z.log)" }))).toEqual(
      ["cat", "a", "b", "/x.ts", "grep", "-n", "y", "z.log", "a b/x.ts"].map((word) => `${word}?`),
    );
  });

  it("may be a name with blanks, however a shell is told of them", () => {
    for (const command of [
      'cat "/w/my notes/a.md"',
      "cat '/w/my notes/a.md'",
      "cat /w/my\\ notes/a.md",
      'cat /w/"my notes"/a.md',
    ]) {
      expect(named(called({ command }))).toContain("/w/my notes/a.md?");
    }
  });

  it("stand before the lines that a search has found, and in headings", () => {
    expect(named(result("/w/a.ts:12:x\nb.ts:3: y\n  12→const c: number\nno colon\n{d: 1}"))).toEqual([
      "/w/a.ts",
      "b.ts?",
    ]);
    const headings = [
      "==> /w/a.log <==",
      "diff --git a/src/b.ts b/src/b.ts",
      "Contents of /w/CLAUDE.md (project instructions, checked into the codebase):",
      "The user selected the lines 3 to 9 from /w/c.ts:",
      'Called the Read tool with the following input: {"file_path":"/w/d \\"e\\".ts","limit":3}',
      'See <file path="/w/f.ts"> and <source>/w/g.md</source>',
    ];
    expect(named(said(headings.join("\n")))).toEqual([
      ...["/w/CLAUDE.md", "/w/c.ts", "/w/a.log", "src/b.ts", "/w/f.ts", "/w/g.md", '/w/d "e".ts'],
    ]);
  });

  it("are relative to the folder that the program says it works in", () => {
    const texts = readClaudeBody({
      system: [{ type: "text", text: " - Primary working directory: /w/x\n - more" }],
    }).texts;
    expect(pathMarks(texts)).toEqual({ folders: ["/w/x"], marks: [{ path: "/w/x", isGuess: false }] });
    expect(pathMarks(result("Primary working directory: /w/y"))).toMatchObject({ folders: [] });
  });

  it("are found in no time in what was written to take long", () => {
    const long = 1_000_000;
    const texts = [
      `Contents of /${" (".repeat(long / 2)}`,
      "Called the Read tool with the following input: {".repeat(long / 50),
      "selected the lines 1 to 2 from :".repeat(long / 30),
      "<file path=".repeat(long / 10),
      `diff --git a/${" b/".repeat(long / 3)}`,
      "x".repeat(long),
      `"${'\\"'.repeat(long)}`,
      `'${"\"'".repeat(long)}`,
      `${"\"'\\".repeat(long)}`,
    ];
    const took = processorMs(10_000, () => {
      for (const text of texts) pathMarks([...said(text), ...result(text), ...called({ command: text })]);
    });
    expect(took).toBeLessThan(10_000);
  });
});
