// One file has many names: each of them is kept here where one of them is.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPrivatePaths } from "../../src/store/private-paths.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-names-"));
  await mkdir(join(folder, "client", "deep"), { recursive: true });
  await mkdir(join(folder, "other", ".vscode"), { recursive: true });
  await mkdir(join(folder, "partly", ".vscode"), { recursive: true });
  await writeFile(join(folder, "client", ".localonly"), "");
  await writeFile(join(folder, "other", ".vscode", "settings.json"), '{ // ours\n "switchyard.localOnly": true, }');
  await writeFile(join(folder, "partly", ".vscode", "settings.json"), '{ "switchyard.localOnlyPaths": ["plans/**"] }');
  await symlink(join(folder, "client", "deep"), join(folder, "way"));
  await symlink(join(folder, "client"), join(folder, "home"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const rules = (...patterns: string[]) => createPrivatePaths(() => patterns);
const glob = (pattern: string) => ({ kind: "glob", glob: pattern });

describe("a file that stays on this machine stays so", () => {
  it("in the previews of its translation and of a proposed change", async () => {
    for (const scheme of ["switchyard-translation", "switchyard-proposal"]) {
      const uri = `${scheme}:${folder}/client/deep/a.zh-CN.md?1`;
      expect(await rules().ruleFor(uri), uri).toMatchObject({ kind: "marker" });
    }
    expect(await rules("**").ruleFor("switchyard-proposal:Untitled-1?1")).toBeUndefined();
    expect(await rules("**").ruleFor("switchyard-translation://untitled/Untitled-1.en?1")).toBeUndefined();
  });

  it("as its translation, saved beside it under another name", async () => {
    for (const pattern of ["plans/a.md", "plans/a.en.md", "plans/a.zh-CN.md"]) {
      for (const name of ["a.md", "a.en.md", "a.zh-CN.md"]) {
        const isOriginal = pattern === "plans/a.md" || name === pattern.slice("plans/".length);
        const rule = await rules(pattern).ruleFor(join(folder, "plans", name));
        if (isOriginal) expect(rule, `${pattern} ${name}`).toEqual(glob(pattern));
      }
    }
    expect(await rules("plans/a.md").ruleFor(join(folder, "plans", "b.en.md"))).toBeUndefined();
  });

  it("before it is saved, where it has a path", async () => {
    expect(await rules("*.pem").ruleFor(`untitled:${folder}/server.pem`)).toEqual(glob("*.pem"));
    expect(await rules().ruleFor(`untitled:${folder}/client/new.ts`)).toMatchObject({ kind: "marker" });
    expect(await rules("**").ruleFor("untitled:Untitled-1")).toBeUndefined();
  });

  it("in every revision that git shows of it", async () => {
    const query = (path: string) => encodeURIComponent(JSON.stringify({ path, ref: "HEAD" }));
    const pem = `${folder}/server.pem`;
    expect(await rules("*.pem").ruleFor(`git:${pem}.git?${query(pem)}`)).toEqual(glob("*.pem"));
    expect(await rules("*.pem").ruleFor(`git:${pem}.git`)).toEqual(glob("*.pem"));
    expect(await rules("*.pem").ruleFor(`git:/elsewhere/a.ts?${query(pem)}`)).toEqual(glob("*.pem"));
  });

  it("below a link, also where it is not there yet or not any more", async () => {
    expect(await rules().ruleFor(join(folder, "way", "gone", "new.ts"))).toMatchObject({ kind: "marker" });
  });

  it("by a pattern that goes through a link, where it is opened without it", async () => {
    const pattern = `${folder}/home/deep/*.ts`;
    await rm(join(folder, "client", ".localonly"));
    expect(await rules(pattern).ruleFor(join(folder, "client", "deep", "a.ts"))).toEqual(glob(pattern));
    await writeFile(join(folder, "client", ".localonly"), "");
  });

  it("whichever way its accents are written", async () => {
    const [composed, parted] = ["pläne/**".normalize("NFC"), "pläne/**".normalize("NFD")];
    for (const pattern of [composed, parted]) {
      for (const name of ["pläne".normalize("NFC"), "PLÄNE".normalize("NFD")]) {
        expect(await rules(pattern).ruleFor(join(folder, name, "a.md")), name).toEqual(glob(pattern));
      }
    }
  });

  it("by a pattern of the person's own folder", async () => {
    expect(await rules("~/plans/**").ruleFor(join(homedir(), "plans", "a.md"))).toEqual(glob("~/plans/**"));
    expect(await rules("~/plans/**").ruleFor(join(folder, "plans", "a.md"))).toBeUndefined();
  });

  it("by names with signs that patterns use", async () => {
    for (const name of ["app/(auth)", "app/[id]", "a+(copy)", "a {1}", "!b"]) {
      expect(await rules(`${name}/**`).ruleFor(join(folder, name, "a.ts")), name).toEqual(glob(`${name}/**`));
    }
    expect(await rules("plans/**").ruleFor(join(folder, "two\nlines", "plans", "a.ts"))).toEqual(glob("plans/**"));
  });

  it("by the settings of the workspace it lies in, whichever one is open", async () => {
    expect(await rules().ruleFor(join(folder, "other", "src", "a.ts"))).toEqual({
      kind: "workspace",
      folder: join(folder, "other"),
    });
    expect(await rules().ruleFor(join(folder, "partly", "plans", "a.ts"))).toEqual(glob("plans/**"));
    expect(await rules().ruleFor(join(folder, "partly", "src", "a.ts"))).toBeUndefined();
  });
});
