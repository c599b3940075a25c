// Texts that come through a pipe, and changes that are kept in a file: they tell which files they are from.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Source } from "../../src/core/task.ts";
import { createNamedPaths } from "../../src/store/named-paths.ts";
import { createPrivatePaths } from "../../src/store/private-paths.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-texts-"));
  for (const each of [".git", "src/deep", "vault"]) await mkdir(join(folder, each), { recursive: true });
  await writeFile(join(folder, "vault", ".localonly"), "");
  await writeFile(join(folder, "vault", "plan.md"), "");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const ruleIn = (source: Pick<Source, "uri" | "text" | "origin">) => {
  const paths = createPrivatePaths(() => ["*.pem"]);
  return createNamedPaths(paths, () => undefined).ruleIn(source);
};
const piped = (text: string, where = "src/deep") =>
  ruleIn({ uri: `stdin:${pathToFileURL(join(folder, where)).pathname}`, text, origin: "stdin" });
const change = (from: string, to: string) =>
  `diff --git a/${from} b/${to}\n--- a/${from}\n+++ b/${to}\n@@ -1 +1 @@\n-x\n+y\n`;

describe("a text that tells which files it is from", () => {
  it("stays where one of them does, also where a change is told from a folder below", async () => {
    expect(await piped(change("vault/plan.md", "vault/plan.md"))).toMatchObject({ kind: "marker" });
    expect(await piped(change("src/a.md", "vault/a.md"))).toMatchObject({ kind: "marker" });
    expect(await piped(change("gone.pem", "gone.pem"))).toMatchObject({ kind: "glob" });
    expect(await piped("vault/plan.md:3: secret", ".")).toMatchObject({ kind: "marker" });
    expect(await piped(change("src/a.ts", "src/b.ts"))).toBeUndefined();
  });

  it("is a change in a file as well, and nothing else that only speaks of files", async () => {
    const uri = pathToFileURL(join(folder, "src", "my.patch")).href;
    const text = change("vault/plan.md", "vault/plan.md");
    expect(await ruleIn({ uri, text, origin: "file" })).toMatchObject({ kind: "marker" });
    expect(
      await ruleIn({ uri, text: "See vault/plan.md: it says so.\n--- vault/plan.md", origin: "file" }),
    ).toBeUndefined();
    expect(await ruleIn({ uri: "stdin:", text, origin: "stdin" })).toBeUndefined();
  });

  it("stays where it was piped in a folder that does, whatever it says", async () => {
    const uri = `stdin:${pathToFileURL(join(folder, "vault")).pathname}`;
    expect(await createPrivatePaths(() => []).ruleFor(uri)).toMatchObject({ kind: "marker" });
    expect(await createPrivatePaths(() => ["**"]).ruleFor("stdin:")).toBeUndefined();
  });
});
