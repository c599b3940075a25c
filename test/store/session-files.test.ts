import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Session } from "../../src/core/session.ts";
import { createSessionFiles } from "../../src/store/session-files.ts";

let folder = "";
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "switchyard-")), "sessions");
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

function session(id: string, updatedAtMs = 1, answer = "答案"): Session {
  const exchange = {
    id: "e1",
    askedAtMs: 1,
    question: "why?",
    sources: [],
    answer,
    thinking: "",
    notices: [],
    findings: [],
    state: "done" as const,
  };
  return { id, title: `about ${id}`, createdAtMs: 1, updatedAtMs, exchanges: [exchange] };
}

it("gives a saved session back as it was, and lists the newest first", async () => {
  const store = createSessionFiles(folder);
  await store.save(session("a", 1));
  await store.save(session("b", 2));
  expect(await createSessionFiles(folder).load("a")).toEqual(session("a", 1));
  expect((await store.list()).map((each) => each.id)).toEqual(["b", "a"]);
});

it("has nothing to list before anything was saved", async () => {
  expect(await createSessionFiles(folder).list()).toEqual([]);
});

it("keeps what others may not read from them", async () => {
  await createSessionFiles(folder).save(session("a"));
  expect((await stat(join(folder, "a.json"))).mode & 0o077).toBe(0);
  expect((await stat(folder)).mode & 0o077).toBe(0);
});

it("sets a broken file aside instead of losing it or failing", async () => {
  const store = createSessionFiles(folder);
  await store.save(session("a"));
  await store.save(session("b"));
  await writeFile(join(folder, "a.json"), '{"version":1,"session":{"id":');
  expect((await store.list()).map((each) => each.id)).toEqual(["b"]);
  expect(await readFile(join(folder, "a.json.unreadable"), "utf8")).toContain("session");
});

it("leaves one whole file behind when two windows save the same session at once", async () => {
  const stores = [createSessionFiles(folder), createSessionFiles(folder)];
  await Promise.all(
    Array.from({ length: 40 }, (_, index) => stores[index % 2]?.save(session("a", index, "x".repeat(50_000)))),
  );
  expect((await stores[0]?.load("a"))?.exchanges[0]?.answer).toHaveLength(50_000);
  expect(await readdir(folder)).toEqual(["a.json"]);
});

it("refuses an id that would be a path", async () => {
  const store = createSessionFiles(folder);
  await expect(async () => store.load("../../etc/passwd")).rejects.toMatchObject({ kind: "internal" });
  await expect(store.save(session("../x"))).rejects.toMatchObject({ kind: "internal" });
});

it("says that a session could not be saved when the folder cannot be made", async () => {
  const file = join(folder, "..", "file");
  await writeFile(file, "");
  await expect(createSessionFiles(join(file, "sessions")).save(session("a"))).rejects.toMatchObject({
    kind: "storage",
  });
});

it("deletes for good", async () => {
  const store = createSessionFiles(folder);
  await store.save(session("a"));
  await store.delete("a");
  expect(await readdir(folder)).toEqual([]);
  expect(await store.load("a")).toBeUndefined();
});
