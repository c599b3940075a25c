import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultSettings } from "../../src/core/settings.ts";
import { createPrivatePaths } from "../../src/store/private-paths.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-private-"));
  await mkdir(join(folder, "client", "deep"), { recursive: true });
  await mkdir(join(folder, "open"));
  await writeFile(join(folder, "client", ".localonly"), "");
  await writeFile(join(folder, "client", "deep", "a.ts"), "");
  await symlink(join(folder, "client", "deep", "a.ts"), join(folder, "open", "link.ts"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const rules = (...patterns: string[]) => createPrivatePaths(() => patterns);

describe("a file that stays on this machine", () => {
  it("lies below a .localonly file, however deep", async () => {
    const rule = await rules().ruleFor(join(folder, "client", "deep", "a.ts"));
    expect(rule).toEqual({ kind: "marker", folder: join(folder, "client") });
    expect(await rules().ruleFor(pathToFileURL(join(folder, "client", "not-there-yet.ts")).href)).toMatchObject({
      kind: "marker",
    });
    expect(await rules().ruleFor(join(folder, "open", "b.ts"))).toBeUndefined();
  });

  it("stays so under another name", async () => {
    expect(await rules().ruleFor(join(folder, "open", "link.ts"))).toMatchObject({ kind: "marker" });
    expect(await rules("**/deep/**").ruleFor(join(folder, "open", "link.ts"))).toEqual({
      kind: "glob",
      glob: "**/deep/**",
    });
  });

  it("is found by a pattern in any of the forms people write", async () => {
    for (const pattern of ["open", "open/", "./open/**", "**/open/*.ts", `${folder}/open`, "OPEN/B.TS", "*.ts"]) {
      expect(await rules(pattern).ruleFor(join(folder, "open", "b.ts")), pattern).toEqual({
        kind: "glob",
        glob: pattern,
      });
    }
    expect(await rules("", "ope", "b", "closed/**").ruleFor(join(folder, "open", "b.ts"))).toBeUndefined();
  });

  it("is one with keys in it, without any setting", async () => {
    const paths = createPrivatePaths(() => defaultSettings.localOnlyPaths);
    for (const name of [".env", ".env.production", "server.pem", "tls.key", "id_rsa", "id_ed25519.pub"]) {
      expect(await paths.ruleFor(join(folder, "open", name)), name).toMatchObject({ kind: "glob" });
    }
    expect(await paths.ruleFor(join(folder, "open", "environment.ts"))).toBeUndefined();
  });

  it("is known by its cell, its revision or its place on a remote machine", async () => {
    const path = `${folder}/client/deep/a.ts`;
    for (const uri of [
      `vscode-notebook-cell:${path}#W0`,
      `git:${path}?%7B%7D`,
      `vscode-remote://ssh-remote%2Bbox${path}`,
    ]) {
      expect(await rules().ruleFor(uri), uri).toMatchObject({ kind: "marker" });
    }
  });

  it("is one whose rules cannot be read", async () => {
    expect(await rules().ruleFor("vscode-vfs://github/a/b.ts")).toMatchObject({ kind: "unchecked" });
    expect(await rules().ruleFor("file://%E0%A4%A/x")).toMatchObject({ kind: "unchecked" });
    expect(await rules().ruleFor(`${folder}/open/\0.ts`)).toMatchObject({ kind: "unchecked" });
  });

  it("is not text that lies in no file", async () => {
    expect(await rules("**").ruleFor("untitled:Untitled-1")).toBeUndefined();
    expect(await rules("**").ruleFor("stdin:")).toBeUndefined();
  });
});
