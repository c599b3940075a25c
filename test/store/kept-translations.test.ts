import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { KeptTranslation } from "../../src/core/kept-translation.ts";
import { createKeptTranslations } from "../../src/store/kept-translations.ts";

let folder = "";
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "switchyard-translations-")), "translations");
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

const dayMs = 86_400_000;
const translation = (id: string): KeptTranslation => ({
  id,
  source: { uri: "file:///a.md", label: "a.md", text: "# One", languageId: "markdown", origin: "file" },
  range: { start: { line: 0, character: 0 }, end: { line: 0, character: 5 } },
  target: "zh-CN",
  text: "# 一",
  state: "incomplete",
  by: "small:1b",
  summary: "Translation · small:1b",
  notes: [{ text: "One part was not answered as asked.", places: [2] }],
});

it("a translation comes back as it was kept, and nobody else may read it", async () => {
  const store = createKeptTranslations(folder, Date.now);
  await store.save(translation("a"));
  expect(await createKeptTranslations(folder, Date.now).load("a")).toEqual(translation("a"));
  expect((await stat(join(folder, "a.json"))).mode & 0o077).toBe(0);
  await store.delete("a");
  expect(await store.load("a")).toBeUndefined();
});

it("what is no translation is none, and a name that leads elsewhere is refused", async () => {
  const store = createKeptTranslations(folder, Date.now);
  await store.save(translation("a"));
  await writeFile(join(folder, "a.json"), '{"id":"a"}');
  expect(await store.load("a")).toBeUndefined();
  await expect(store.load("../secret")).rejects.toMatchObject({ kind: "internal" });
});

it("those nobody looked at for a month go when another one is kept", async () => {
  const store = createKeptTranslations(folder, Date.now);
  const old = (Date.now() - 40 * dayMs) / 1000;
  for (const id of ["forgotten", "open"]) {
    await store.save(translation(id));
    await utimes(join(folder, `${id}.json`), old, old);
  }
  expect(await store.load("open")).toBeDefined();
  await store.save(translation("new"));
  expect((await readdir(folder)).sort()).toEqual(["new.json", "open.json"]);
});
