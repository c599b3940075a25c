import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: it is there from Node 22.13 on, the linter does not know it yet
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ensureStrace } from "../../scripts/debian.ts";
import { ended, openLedger, startWriter, withoutSqlite } from "./ledger-processes.ts";
import { temporaryFolder } from "./sample.ts";
import { entry } from "./sample-entries.ts";

const strace = await ensureStrace().catch(() => undefined);

describe("the ledger in SQLite", () => {
  it("sets a broken file aside, says so, and begins a new one", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "switchyard.db");
    writeFileSync(file, "this is no database".repeat(1000));
    const { ledger, host } = openLedger(folder);
    await ledger.append(entry("a"));
    expect(await ledger.list()).toEqual([entry("a")]);
    const aside = readdirSync(folder).find((each) => each.startsWith("switchyard.db.broken-"));
    expect(readFileSync(join(folder, aside ?? ""), "utf8")).toContain("this is no database");
    expect(host.notices).toEqual([
      `The file ${file} was broken. It was set aside as ${join(folder, aside ?? "")}, and a new one begun.`,
    ]);
    await ledger.dispose();
  });

  it("goes to the disk once for all that is recorded in the same turn", async () => {
    const folder = temporaryFolder();
    const { ledger } = openLedger(folder);
    await ledger.append(entry("first"));
    const look = new DatabaseSync(join(folder, "switchyard.db"));
    const frames = () => Number(look.prepare("PRAGMA wal_checkpoint(PASSIVE)").get()?.["log"]);
    const before = frames();
    await Promise.all(Array.from({ length: 40 }, (_, at) => ledger.append(entry(`a${at}`))));
    // A write of its own for each would be some pages for each.
    expect(frames() - before).toBeLessThan(40);
    expect(await ledger.list()).toHaveLength(41);
    look.close();
    await ledger.dispose();
  });

  it.skipIf(!strace)("is on the disk before anybody is told so", async () => {
    const folder = temporaryFolder();
    const log = join(folder, "calls");
    const writer = join(import.meta.dirname, "ledger-writer.ts");
    const watched = ["-f", "--seccomp-bpf", "-qq", "-y", "-e", "trace=write,pwrite64,fdatasync,fsync", "-o", log];
    const args = [process.execPath, writer, join(folder, "ledger.ndjson"), "p", "3", "sqlite"];
    await promisify(execFile)(strace ?? "strace", [...watched, ...args]);
    const calls = readFileSync(log, "utf8").split("\n");
    for (const id of ["p0", "p1", "p2"]) {
      const told = calls.findIndex((line) => line.includes(`"${id}\\n"`));
      const stored = calls.findLastIndex((line, at) => at < told && /pwrite64\(.*switchyard\.db-wal/.test(line));
      const between = calls.slice(stored, told);
      expect(stored, id).toBeGreaterThan(0);
      expect(
        between.some((line) => /(fdatasync|fsync)\(.*switchyard\.db-wal/.test(line)),
        id,
      ).toBe(true);
      expect(
        between.some((line) => /fdatasync.*= 0$/.test(line)),
        id,
      ).toBe(true);
    }
  });

  it("lets nothing be spent while the record of this month is lost, one of an earlier month says nothing of it", async () => {
    const folder = temporaryFolder();
    const budgets = { dailyUsd: 2, monthlyUsd: 20 };
    const now = new Date();
    const before = new Date(now.getFullYear(), now.getMonth(), 1).getTime() - 1;
    writeFileSync(join(folder, `switchyard.db.broken-${before}`), "older");
    const { ledger } = openLedger(folder);
    await ledger.reserve(entry("a", { atMs: now.getTime(), costUsd: 1 }), budgets);
    expect(await ledger.lostRecord(now.getTime())).toBeUndefined();
    await ledger.dispose();
    writeFileSync(join(folder, "switchyard.db"), "this is no database".repeat(1000));
    const later = openLedger(folder).ledger;
    const spend = (id: string) => later.reserve(entry(id, { atMs: now.getTime(), costUsd: 0.1 }), budgets);
    // The first finds it broken, the second found so.
    for (const id of ["b", "c"]) await expect(spend(id)).rejects.toThrow(`${join(folder, "switchyard.db")}.broken-`);
    // What costs nothing is recorded all the same.
    await later.append(entry("d"));
    expect((await later.list()).map(({ id }) => id)).toContain("d");
    await later.dispose();
  });

  it("finds a break in the middle of the file, and sets it aside once when two windows find it", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "switchyard.db");
    const [first, second] = [openLedger(folder), openLedger(folder)];
    for (let index = 0; index < 200; index++) await first.ledger.append(entry(`a${index}`));
    await second.ledger.list();
    await first.ledger.dispose();
    await second.ledger.dispose();
    const size = statSync(file).size;
    truncateSync(file, 4096);
    truncateSync(file, size);
    await Promise.all([first.ledger.append(entry("x")), second.ledger.append(entry("y"))]);
    const ids = (await first.ledger.list()).map(({ id }) => id).sort();
    expect(ids).toEqual(["x", "y"]);
    expect((await second.ledger.list()).length).toBe(2);
    expect(readdirSync(folder).filter((each) => each.includes(".broken-"))).toHaveLength(1);
    expect(first.host.notices.length + second.host.notices.length).toBe(1);
    await first.ledger.dispose();
    await second.ledger.dispose();
  });

  it("is begun anew once, and loses nothing, when several processes find it broken at the same moment", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "switchyard.db"), "this is no database".repeat(1000));
    const startAtMs = Date.now() + 1500;
    const writers = ["p", "q", "r", "s"].map((each) => startWriter(folder, each, 50, "sqlite", startAtMs));
    await Promise.all(writers.map(({ child }) => ended(child)));
    expect(writers.map(({ wrong }) => wrong()).join("")).toBe("");
    const { ledger } = openLedger(folder);
    expect(await ledger.list()).toHaveLength(200);
    expect(readdirSync(folder).filter((each) => /\.broken-\d+$/.test(each))).toHaveLength(1);
    await ledger.dispose();
  });

  it("writes into the file that is there, not into one that was deleted under it", async () => {
    const folder = temporaryFolder();
    const { ledger } = openLedger(folder);
    await ledger.append(entry("a"));
    for (const each of readdirSync(folder)) rmSync(join(folder, each));
    await ledger.append(entry("b"));
    const other = openLedger(folder).ledger;
    expect(await other.list()).toEqual([entry("b")]);
    await ledger.dispose();
    await other.dispose();
  });

  it("leaves a file of a newer version as it is, and sends nothing", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "switchyard.db");
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE future (x); PRAGMA user_version = 99;");
    db.close();
    const before = readFileSync(file);
    const { ledger, host } = openLedger(folder);
    const refusal = { kind: "storage", message: expect.stringMatching(/written by a newer version.*update it/) };
    await expect(ledger.append(entry("a"))).rejects.toMatchObject(refusal);
    await expect(ledger.list()).rejects.toMatchObject(refusal);
    await expect(ledger.spentUsd(0, 0)).rejects.toMatchObject(refusal);
    await ledger.dispose();
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(existsSync(join(folder, "ledger.ndjson"))).toBe(false);
    expect(host.notices).toEqual([]);
  });

  it("counts what a host without SQLite has sent as well", async () => {
    const folder = temporaryFolder();
    const editor = openLedger(folder, withoutSqlite).ledger;
    const shell = openLedger(folder).ledger;
    await editor.append(entry("editor", { atMs: 1, costUsd: 1 }));
    await shell.append(entry("shell", { atMs: 2, costUsd: 0.5 }));
    expect((await shell.list()).map(({ id }) => id)).toEqual(["shell", "editor"]);
    expect(await shell.spentUsd(0, 0)).toBeCloseTo(1.5);
    await shell.clear();
    expect(await editor.list()).toEqual([]);
    await shell.dispose();
  });

  it("keeps several processes within the budgets together, and counts what a host without SQLite spent", async () => {
    const folder = temporaryFolder();
    const editor = openLedger(folder, withoutSqlite).ledger;
    await editor.append(entry("editor", { costUsd: 0.0945 }));
    const startAtMs = Date.now() + 1500;
    const writers = ["p", "q", "r", "s"].map((each) => startWriter(folder, each, 50, "sqlite", startAtMs, 0.2));
    await Promise.all(writers.map(({ child }) => ended(child)));
    expect(writers.map(({ wrong }) => wrong()).join("")).toBe("");
    expect(writers.flatMap(({ acknowledged }) => acknowledged())).toHaveLength(105);
    const { ledger } = openLedger(folder);
    expect(await ledger.spentUsd(0, 0)).toBeCloseTo(0.1995);
    await ledger.dispose();
  });

  it("cannot be changed, only added to", async () => {
    const folder = temporaryFolder();
    const { ledger } = openLedger(folder);
    await ledger.append(entry("a"));
    await ledger.dispose();
    const db = new DatabaseSync(join(folder, "switchyard.db"));
    expect(() => db.exec("UPDATE ledger SET costUsd = 0")).toThrow("only added to");
    db.close();
  });
});
