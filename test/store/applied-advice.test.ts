import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AppliedAdvice } from "../../src/core/apply-advice.ts";
import { formatMessage, msg } from "../../src/core/message.ts";
import { kindName } from "../../src/core/names.ts";
import { createAppliedAdvice } from "../../src/store/applied-advice.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-applied-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const probe = {
  answers: [{ task: "review", model: "m", loadMs: 0, firstTokenMs: 10, tokensPerSecond: 2.5 }],
  totalMs: 20,
} as const;
const applied: AppliedAdvice = {
  id: "slow:review:m",
  changeText: msg("{0} ({1}) for “{2}”", "small", "1.0 GB", kindName("review")),
  atMs: 1,
  undo: { key: "pinnedModels", before: { chat: "x" } },
  before: probe,
  after: probe,
};

describe("the advice that was applied", () => {
  it("is the same for the next window, in that window’s language down to the names within", async () => {
    const file = join(folder, "advice.json");
    await createAppliedAdvice(file).keepApplied(applied);
    const read = await createAppliedAdvice(file).applied();
    expect(read).toEqual(applied);
    const bundle = { "{0} ({1}) for “{2}”": "“{2}”使用 {0}（{1}）", Review: "审查" };
    expect(formatMessage(read?.changeText ?? msg(""), bundle)).toBe("“审查”使用 small（1.0 GB）");
    expect((await stat(file)).mode & 0o077).toBe(0);
  });

  it("is none once it was taken back, or where the file is broken", async () => {
    const file = join(folder, "other.json");
    const kept = createAppliedAdvice(file);
    await kept.keepApplied(applied);
    await kept.keepApplied(undefined);
    expect(await kept.applied()).toBeUndefined();
    await writeFile(file, '{"id": 3');
    expect(await kept.applied()).toBeUndefined();
  });
});
