// `switchyard review --changes` in a real Git repository.
import { execFileSync } from "node:child_process";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { beginLines, doneLine, tokenLine } from "../backends/scripted-server.ts";
import { says, useShell } from "./asking-shell.ts";

const { path, serve, run } = useShell();
const git = (...args: readonly string[]) => {
  const who = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
  return execFileSync("git", [...who, ...args], { cwd: path("repository"), stdio: "pipe" });
};
const inRepository = (name: string) => path(`repository/${name}`);
const clean = '{"findings": []}';

/** What the model was shown, by the names of the files. */
async function asked(args: readonly string[]) {
  const shown: string[] = [];
  const server = await serve((_, response, body) => {
    const content: string = JSON.parse(body).messages.at(-1).content;
    shown.push(content.slice(0, content.indexOf("\n```", content.indexOf("```") + 3)));
    beginLines(response);
    response.write(tokenLine(clean));
    response.end(doneLine());
  });
  const result = await run(["review", ...args], { cwd: path("repository") });
  return { ...result, shown, server };
}

beforeAll(async () => {
  await mkdir(inRepository("lib"), { recursive: true });
  git("init", "-q", "-b", "main");
  await writeFile(inRepository("mean.js"), "const a = 1;\nconst b = 2;\n");
  await writeFile(inRepository("lib/old name.js"), "export const x = 1;\nexport const y = 2;\nexport const z = 3;\n");
  await writeFile(inRepository("gone.js"), "nothing();\n");
  await writeFile(inRepository("package-lock.json"), "{}\n");
  git("add", "-A");
  git("commit", "-qm", "one");
});

describe("a review of changes", () => {
  it("says so where nothing has changed, and asks nobody", async () => {
    const { code, err, server } = await asked(["--changes"]);
    expect(err).toContain("Nothing has changed that could be reviewed.");
    expect([code, server.requests.includes("POST /api/chat")]).toEqual([0, false]);
  });

  it("is of what is new, different, renamed or not yet known to Git, and names what is left out", async () => {
    await writeFile(inRepository("mean.js"), "const a = 1;\nconst b = 3;\n");
    await rename(inRepository("lib/old name.js"), inRepository("lib/名字.js"));
    await writeFile(inRepository("lib/名字.js"), "export const x = 1;\nexport const y = 2;\nexport const z = 4;\n");
    git("add", "-A", "lib");
    await rm(inRepository("gone.js"));
    await writeFile(inRepository("new.py"), "print(1)\n");
    await writeFile(inRepository("package-lock.json"), '{"a": 1}\n');
    await writeFile(inRepository("logo.png"), new Uint8Array([137, 80, 78, 71, 0, 0, 1]));
    const { code, out, err, shown } = await asked(["--changes"]);
    expect(code, err).toBe(0);
    expect(shown.sort((a, b) => a.localeCompare(b, "en"))).toEqual([
      "lib/名字.js:\n```javascript\n1| export const x = 1;\n2| export const y = 2;\n-| export const z = 3;\n3+| export const z = 4;",
      "mean.js:\n```javascript\n1| const a = 1;\n-| const b = 2;\n2+| const b = 3;",
      "new.py:\n```python\n1+| print(1)",
    ]);
    expect(err).toContain("Left out, for programs write it: package-lock.json");
    expect(err).toContain("Left out: logo.png is not a text file.");
    expect(out.match(/^## .*/gm)?.sort()).toEqual(["## lib/名字.js", "## mean.js", "## new.py"]);
  });

  it("can be of what is staged alone, as it is staged", async () => {
    git("add", "mean.js");
    await writeFile(inRepository("mean.js"), "const a = 1;\nconst b = 99;\n");
    const { shown } = await asked(["--staged", "mean.js", "new.py"]);
    expect(shown).toEqual(["mean.js:\n```javascript\n1| const a = 1;\n-| const b = 2;\n2+| const b = 3;"]);
  });

  it("looks only in the paths that are named", async () => {
    expect((await asked(["--changes", "lib"])).shown).toHaveLength(1);
  });

  it("can be of all since a commit or branch", async () => {
    git("checkout", "-qb", "work");
    git("commit", "-qam", "two");
    const { shown } = await asked(["--since", "main", "mean.js"]);
    expect(shown).toEqual(["mean.js:\n```javascript\n1| const a = 1;\n-| const b = 2;\n2+| const b = 99;"]);
    const unknown = await asked(["--since", "nowhere"]);
    expect([unknown.code, unknown.err]).toEqual([
      2,
      "switchyard: There is no commit or branch “nowhere” in this repository.\n",
    ]);
    const option = await asked(["--since=--upload-pack=x"]);
    expect(option.err).toContain("There is no commit or branch");
  });

  it("ends with 10 for a finding in what changed, and with 0 for one beside it", async () => {
    await writeFile(inRepository("mean.js"), "const a = 1;\nconst b = 100;\n");
    const found = (line: number, quote: string) =>
      JSON.stringify({ findings: [{ line, quote, title: "Wrong", body: "It is.", severity: "problem" }] });
    await serve(says(found(2, "const b = 100;")));
    const args = ["review", "--changes", "mean.js", "--fail-on", "problem"];
    expect(await run(args, { cwd: path("repository") })).toMatchObject({ code: 10 });
    await serve(says(found(1, "const a = 1;")));
    const beside = await run([...args, "--fresh"], { cwd: path("repository") });
    expect(beside).toMatchObject({ code: 0 });
    expect(beside.err).toContain("Left out, for it is about lines that did not change: “Wrong”");
  });

  it("says what is missing outside of a repository", async () => {
    const result = await run(["review", "--changes"]);
    expect(result).toMatchObject({
      code: 2,
      err: "switchyard: This folder is in no Git repository: there is nothing to compare with.\n",
    });
  });
});
