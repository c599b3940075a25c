import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ended, openLedger, startWriter, withoutSqlite } from "./ledger-processes.ts";
import { temporaryFolder, until } from "./sample.ts";
import { entry } from "./sample-entries.ts";
import { fillDisk, smallDisk } from "./small-disk.ts";

const forms = [
  { form: "sqlite", name: "switchyard.db", host: {} },
  { form: "lines", name: "ledger.ndjson", host: withoutSqlite },
] as const;

const budgets = { dailyUsd: 2, monthlyUsd: 20 };

function bytesIn(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return files.map((each) => readFileSync(join(each.parentPath, each.name), "latin1")).join("\n");
}

describe.each(forms)("the ledger as $form", ({ form, name, host }) => {
  it("gives the last state of each entry, newest first, and what they cost", async () => {
    const { ledger } = openLedger(temporaryFolder(), host);
    expect(await ledger.list()).toEqual([]);
    expect(await ledger.spentUsd(0, 0)).toBe(0);
    await ledger.append(entry("a", { atMs: 1000, costUsd: 1 }));
    await ledger.append(entry("b", { atMs: 2000, costUsd: 0.5 }));
    await ledger.append(entry("a", { atMs: 1000, costUsd: 0.25, outcome: "done", answerTokens: 7 }));
    expect(await ledger.list()).toEqual([
      entry("b", { atMs: 2000, costUsd: 0.5 }),
      entry("a", { atMs: 1000, costUsd: 0.25, outcome: "done", answerTokens: 7 }),
    ]);
    expect(await ledger.spentUsd(0, 0)).toBeCloseTo(0.75);
    expect(await ledger.spentUsd(1001, 1001)).toBeCloseTo(0.5);
    expect(await ledger.spentUsd(2000, 2000)).toBeCloseTo(0.5);
    expect(await ledger.spentUsd(2001, 2001)).toBe(0);
    await ledger.dispose();
  });

  it("shows a note to whoever reads here at once, and keeps it when it is closed; others see it a moment later", async () => {
    const folder = temporaryFolder();
    const { ledger } = openLedger(folder, host);
    const other = openLedger(folder, host).ledger;
    const done = entry("a", { outcome: "done", bytes: 7 });
    await ledger.append(entry("a", { bytes: 5 }));
    ledger.note(entry("a", { bytes: 7 }));
    ledger.note(done);
    expect(await ledger.list()).toEqual([done]);
    const b = entry("b", { outcome: "stopped" });
    await ledger.append(entry("b"));
    ledger.note(b);
    await until(async () => (await other.list()).some(({ id, outcome }) => id === "b" && outcome === "stopped"));
    const c = entry("c", { outcome: "failed" });
    await ledger.append(entry("c"));
    ledger.note(c);
    await ledger.dispose();
    expect((await other.list()).find(({ id }) => id === "c")).toEqual(c);
    await other.dispose();
  });

  it("keeps both states of an entry, and whatever characters are in it", async () => {
    const folder = temporaryFolder();
    const odd = { model: "模型 \u0000 \" ' \n \u2028 😀" };
    const { ledger } = openLedger(folder, host);
    await ledger.append(entry("a", odd));
    await ledger.append(entry("a", { ...odd, outcome: "failed" }));
    await ledger.dispose();
    expect(bytesIn(folder).match(/"outcome":"(sent|failed)"/g)).toHaveLength(2);
    const again = openLedger(folder, host).ledger;
    expect(await again.list()).toEqual([entry("a", { ...odd, outcome: "failed" })]);
    await again.dispose();
  });

  it("holds the most that what is under way can cost: tasks at the same time stay within the budgets together", async () => {
    const { ledger } = openLedger(temporaryFolder(), host);
    const reserve = (id: string, costUsd: number) => ledger.reserve(entry(id, { costUsd }), budgets);
    const many = Array.from({ length: 20 }, (_, index) => reserve(`a${index}`, 0.3));
    const refused = (await Promise.allSettled(many)).flatMap((each) => (each.status === "rejected" ? each.reason : []));
    expect(refused).toHaveLength(14);
    expect(refused[0]).toMatchObject({ kind: "cloud-limit", message: expect.stringContaining("$0.20 of today") });
    const sent = await ledger.list();
    expect(sent).toHaveLength(6);
    // Known by now: it cost less, and there is room for another one.
    await ledger.append(entry(sent[0]?.id ?? "", { costUsd: 0.1, outcome: "done" }));
    await reserve("next", 0.3);
    await expect(reserve("over", 0.3)).rejects.toMatchObject({ kind: "cloud-limit" });
    await ledger.dispose();
  });

  it("gives up what was asked two hours ago and never told its end: it holds what its prompt cost", async () => {
    const { ledger } = openLedger(temporaryFolder(), host);
    const atMs = new Date(2026, 10, 20, 12).getTime();
    const hour = 3_600_000;
    await ledger.reserve(entry("dead", { atMs, costUsd: 1.9 }), budgets);
    const reserve = (id: string, later: number) =>
      ledger.reserve(entry(id, { atMs: atMs + later, costUsd: 1 }), budgets);
    await expect(reserve("early", hour)).rejects.toMatchObject({ kind: "cloud-limit" });
    await reserve("late", 2 * hour + 1);
    const spentLater = (later: number) => ledger.spentUsd(0, atMs + later);
    expect(await spentLater(2 * hour)).toBeCloseTo(2.9);
    expect(await spentLater(2 * hour + 1)).toBeCloseTo(1 + (300 * 2.5) / 1e6);
    // One that was only slow is put right by its own end.
    await ledger.append(entry("dead", { atMs, costUsd: 1.5, outcome: "done" }));
    await expect(ledger.reserve(entry("over", { atMs: atMs + 3 * hour, costUsd: 0.1 }), budgets)).rejects.toMatchObject(
      {
        kind: "cloud-limit",
      },
    );
    await ledger.dispose();
  });

  it("can be read by its owner alone", async () => {
    const folder = join(temporaryFolder(), "home");
    const { ledger } = openLedger(folder, host);
    await ledger.append(entry("a"));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const files = readdirSync(folder);
    expect(files).toContain(name);
    for (const file of files) expect(statSync(join(folder, file)).mode & 0o777, file).toBe(0o600);
    await ledger.dispose();
  });

  it("loses nothing when two processes add to it at once", async () => {
    const folder = temporaryFolder();
    const writers = ["x", "y"].map((each) => startWriter(folder, each, 500, form));
    await Promise.all(writers.map(({ child }) => ended(child)));
    expect(writers.map(({ wrong }) => wrong()).join("")).toBe("");
    const { ledger } = openLedger(folder, host);
    const ids = (await ledger.list()).map(({ id }) => id);
    expect(new Set(ids).size).toBe(1000);
    expect(await ledger.spentUsd(0, 0)).toBeCloseTo(1);
    await ledger.dispose();
  });

  it("has every acknowledged entry after a process was killed in the middle of writing", async () => {
    for (let round = 0; round < 3; round++) {
      const folder = temporaryFolder();
      const { child, acknowledged } = startWriter(folder, "k", 100_000, form);
      await until(() => acknowledged().length > 50 + round * 37);
      child.kill("SIGKILL");
      await ended(child);
      const { ledger, host: heard } = openLedger(folder, host);
      const ids = new Set((await ledger.list()).map(({ id }) => id));
      expect(acknowledged().filter((id) => !ids.has(id))).toEqual([]);
      await ledger.append(entry("after"));
      expect((await ledger.list()).map(({ id }) => id)).toContain("after");
      expect(heard.notices).toEqual([]);
      await ledger.dispose();
    }
  });

  it("leaves not a byte of what was deleted", async () => {
    const folder = temporaryFolder();
    const { ledger } = openLedger(folder, host);
    for (let index = 0; index < 50; index++)
      await ledger.append(entry(`CANARY${index}`, { model: "CANARY".repeat(500) }));
    writeFileSync(join(folder, "switchyard.db.broken-1"), "CANARY");
    expect(bytesIn(folder)).toContain("CANARY");
    const other = openLedger(folder, host).ledger;
    await other.list();
    await ledger.clear();
    expect(bytesIn(folder)).not.toContain("CANARY");
    expect(await other.list()).toEqual([]);
    await other.append(entry("new"));
    expect(await ledger.list()).toEqual([entry("new")]);
    await ledger.dispose();
    await other.dispose();
    expect(bytesIn(folder)).not.toContain("CANARY");
  });

  it.skipIf(!smallDisk)("says what to do when the disk is full, and goes on when it is not any more", async () => {
    const disk = smallDisk?.() ?? "";
    const { ledger } = openLedger(disk, host);
    await ledger.append(entry("first"));
    const filler = fillDisk(disk);
    const big = entry("no room", { model: "x".repeat(100_000) });
    await expect(ledger.append(big)).rejects.toMatchObject({
      name: "TaskError",
      kind: "storage",
      message: expect.stringMatching(/^The disk is full: .*Free some space, then ask again\.$/),
    });
    expect((await ledger.list()).map(({ id }) => id)).toEqual(["first"]);
    rmSync(filler);
    await ledger.append(big);
    expect(await ledger.list()).toHaveLength(2);
    await ledger.dispose();
  });

  it.skipIf(!smallDisk)("says so as well when there was never any room", async () => {
    const disk = smallDisk?.() ?? "";
    fillDisk(disk);
    const { ledger } = openLedger(disk, host);
    await expect(ledger.append(entry("a"))).rejects.toMatchObject({
      kind: "storage",
      message: expect.stringMatching(/^The disk is full/),
    });
    await ledger.dispose();
  });

  it("says what to do when it cannot be written", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "a-file"), "");
    const { ledger } = openLedger(join(folder, "a-file"), host);
    await expect(ledger.append(entry("a"))).rejects.toMatchObject({
      kind: "storage",
      message: expect.stringMatching(/nothing is sent without it\. Make .+ writable/),
    });
    await expect(ledger.list()).rejects.toMatchObject({ kind: "storage" });
    await ledger.dispose();
  });
});

describe("the ledger as lines", () => {
  it("passes over a line that a crash cut, and adds the next one on its own", async () => {
    const folder = temporaryFolder();
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "ledger.ndjson");
    writeFileSync(file, `${JSON.stringify(entry("a"))}\n{"id":"cut","atM`);
    const { ledger } = openLedger(folder, withoutSqlite);
    await ledger.append(entry("b"));
    expect((await ledger.list()).map(({ id }) => id).sort()).toEqual(["a", "b"]);
  });
});
