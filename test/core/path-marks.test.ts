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
    expect(new Set(named(said(headings.join("\n"))))).toEqual(
      new Set([
        ...["/w/CLAUDE.md", "/w/c.ts", "/w/a.log", "src/b.ts", "a/src/b.ts?", "b/src/b.ts?", "/w/f.ts", "/w/g.md"],
        '/w/d "e".ts',
      ]),
    );
  });

  it("are both of what a change names: before and after, quoted as git quotes, with any prefix or none", () => {
    const diffs: readonly [diff: string, paths: readonly string[]][] = [
      [
        "diff --git a/plan.md b/secret/plan.md\nsimilarity index 90%\nrename from plan.md\nrename to secret/plan.md",
        ["plan.md", "secret/plan.md"],
      ],
      ["--- a/secret/gone.md\n+++ /dev/null\n@@ -1 +0,0 @@", ["secret/gone.md", "/dev/null"]],
      ["--- i/a b.ts\t2026-11-27\n+++ w/a b.ts\t2026-11-27", ["a b.ts", "i/a b.ts?", "w/a b.ts?"]],
      ["diff --git secret/x.ts secret/x.ts\n--- secret/x.ts\n+++ secret/x.ts", ["secret/x.ts"]],
      ['--- "a/\\346\\234\\272\\345\\257\\206/\\"x\\".md"\n+++ /dev/null', ['机密/"x".md']],
      ["Index: secret/y.ts\n====", ["secret/y.ts"]],
    ];
    for (const [diff, paths] of diffs) expect(named(result(diff)), diff).toEqual(expect.arrayContaining([...paths]));
  });

  it("are those of a revision, of a folder that a command goes to, and of the person's own", () => {
    expect(named(called({ command: "git show HEAD~3:secret/plan.md" }))).toContain("secret/plan.md");
    expect(named(called({ command: "git -C sub show :0:plan.md" }))).toEqual(
      expect.arrayContaining(["plan.md", "sub/plan.md?"]),
    );
    expect(named(called({ command: "cd certs && cat server.pem" }))).toContain("certs/server.pem?");
    expect(named(called({ command: "pushd 'my certs'; cat server.pem" }))).toContain("my certs/server.pem?");
    for (const command of [
      'cat "$HOME/.ssh/id_rsa"',
      `cat $${"{HOME}"}/.ssh/id_rsa`,
      "type $env:USERPROFILE/.ssh/id_rsa",
    ]) {
      expect(named(called({ command })), command).toContain("~/.ssh/id_rsa?");
    }
    expect(named(result("HEAD:secret/a.ts:3:x\nmy notes/b.md:12:y"))).toEqual(
      expect.arrayContaining(["secret/a.ts?", "my notes/b.md?"]),
    );
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
      `cd ${"a ".repeat(long / 2)}`,
      "cd a;".repeat(long / 5),
      "a:".repeat(long / 2),
      `--- "${"\\\\3".repeat(long / 2)}`,
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
