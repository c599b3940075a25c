import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type ToolTest, withToolTests } from "../../src/core/tool-test.ts";
import { createToolTests } from "../../src/store/tool-tests.ts";

let folder = "";
const file = () => join(folder, "deeper", "tool-tests.json");
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-tool-tests-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const test = (over: Partial<ToolTest> = {}): ToolTest => ({
  model: "m",
  backend: "here",
  digest: "d1",
  calls: "yes",
  atMs: 1,
  ...over,
});

it("the last test of a model on a server counts, also for another window", async () => {
  const one = createToolTests(file());
  await one.keep(test());
  await createToolTests(file()).keep(test({ backend: "there", digest: "d0" }));
  await one.keep(test({ digest: "d2", calls: "no" }));
  expect(await createToolTests(file()).list()).toEqual([
    test({ backend: "there", digest: "d0" }),
    test({ digest: "d2", calls: "no" }),
  ]);
});

it("the last test of equal weights counts, on whichever server it was", async () => {
  const tests = createToolTests(file());
  await tests.keep(test({ calls: "no" }));
  await tests.keep(test({ backend: "there", atMs: 2 }));
  const here = { name: "m", backend: "here", digest: "d1" };
  expect(withToolTests([here], await tests.list())).toMatchObject([{ toolTest: { calls: "yes" } }]);
});

it("tests that end at the same time are all kept", async () => {
  const tests = createToolTests(file());
  await Promise.all(["a", "b", "c", "d"].map((model) => tests.keep(test({ model }))));
  expect((await tests.list()).map(({ model }) => model)).toEqual(["a", "b", "c", "d"]);
});

it("a file that says nothing that can be read counts as empty, and is written over", async () => {
  const tests = createToolTests(join(folder, "tool-tests.json"));
  for (const broken of ["", "{", "[1]", '{"version":1,"tests":[{"model":"m","calls":"perhaps"}]}']) {
    await writeFile(join(folder, "tool-tests.json"), broken);
    expect(await tests.list()).toEqual([]);
  }
  await tests.keep(test());
  expect(await tests.list()).toEqual([test()]);
});

it("only the latest are kept", async () => {
  const tests = createToolTests(file());
  for (let at = 0; at < 205; at++) await tests.keep(test({ model: `m${at}` }));
  expect(JSON.parse(await readFile(file(), "utf8")).tests).toHaveLength(200);
  expect((await tests.list())[0]?.model).toBe("m5");
});

it("what cannot be kept is told", async () => {
  // A file where the folder should be: nobody can write there, not even root.
  await writeFile(join(folder, "deeper"), "");
  await expect(createToolTests(file()).keep(test())).rejects.toMatchObject({ kind: "storage" });
});
