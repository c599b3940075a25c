import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: it is there from Node 22.13 on, the linter does not know it yet
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { createLedger } from "../../src/store/ledger.ts";
import { listeningHost, temporaryFolder, until } from "./sample.ts";
import { entry } from "./sample-entries.ts";
import { fillDisk, smallDisk } from "./small-disk.ts";

const withoutSqlite = { loadSqlite: async () => undefined };
const forms = [
  { form: "sqlite", name: "switchyard.db", host: {} },
  { form: "lines", name: "ledger.ndjson", host: withoutSqlite },
] as const;

function open(folder: string, more: Partial<Parameters<typeof createLedger>[1]> = {}) {
  const host = listeningHost();
  return { host, ledger: createLedger(join(folder, "ledger.ndjson"), { ...host, ...more }) };
}

function startWriter(folder: string, name: string, count: number, form: string, startAtMs = 0) {
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, "ledger-writer.ts"),
      join(folder, "ledger.ndjson"),
      name,
      String(count),
      form,
      String(startAtMs),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  let wrong = "";
  child.stdout.on("data", (piece: Buffer) => {
    said += String(piece);
  });
  child.stderr.on("data", (piece: Buffer) => {
    wrong += String(piece);
  });
  return { child, acknowledged: () => said.split("\n").slice(0, -1), wrong: () => wrong };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

function bytesIn(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return files.map((each) => readFileSync(join(each.parentPath, each.name), "latin1")).join("\n");
}

describe.each(forms)("the ledger as $form", ({ form, name, host }) => {
  it("gives the last state of each entry, newest first, and what they cost", async () => {
    const { ledger } = open(temporaryFolder(), host);
    expect(await ledger.list()).toEqual([]);
    expect(await ledger.spentUsd(0)).toBe(0);
    await ledger.append(entry("a", { atMs: 1000, costUsd: 1 }));
    await ledger.append(entry("b", { atMs: 2000, costUsd: 0.5 }));
    await ledger.append(entry("a", { atMs: 1000, costUsd: 0.25, outcome: "done", answerTokens: 7 }));
    expect(await ledger.list()).toEqual([
      entry("b", { atMs: 2000, costUsd: 0.5 }),
      entry("a", { atMs: 1000, costUsd: 0.25, outcome: "done", answerTokens: 7 }),
    ]);
    expect(await ledger.spentUsd(0)).toBeCloseTo(0.75);
    expect(await ledger.spentUsd(1001)).toBeCloseTo(0.5);
    expect(await ledger.spentUsd(2000)).toBeCloseTo(0.5);
    expect(await ledger.spentUsd(2001)).toBe(0);
    ledger.dispose();
  });

  it("keeps both states of an entry, and whatever characters are in it", async () => {
    const folder = temporaryFolder();
    const odd = { model: "模型 \u0000 \" ' \n \u2028 😀" };
    const { ledger } = open(folder, host);
    await ledger.append(entry("a", odd));
    await ledger.append(entry("a", { ...odd, outcome: "failed" }));
    ledger.dispose();
    expect(bytesIn(folder).match(/"outcome":"(sent|failed)"/g)).toHaveLength(2);
    const again = open(folder, host).ledger;
    expect(await again.list()).toEqual([entry("a", { ...odd, outcome: "failed" })]);
    again.dispose();
  });

  it("can be read by its owner alone", async () => {
    const folder = join(temporaryFolder(), "home");
    const { ledger } = open(folder, host);
    await ledger.append(entry("a"));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const files = readdirSync(folder);
    expect(files).toContain(name);
    for (const file of files) expect(statSync(join(folder, file)).mode & 0o777, file).toBe(0o600);
    ledger.dispose();
  });

  it("loses nothing when two processes add to it at once", async () => {
    const folder = temporaryFolder();
    const writers = ["x", "y"].map((each) => startWriter(folder, each, 500, form));
    await Promise.all(writers.map(({ child }) => ended(child)));
    expect(writers.map(({ wrong }) => wrong()).join("")).toBe("");
    const { ledger } = open(folder, host);
    const ids = (await ledger.list()).map(({ id }) => id);
    expect(new Set(ids).size).toBe(1000);
    expect(await ledger.spentUsd(0)).toBeCloseTo(1);
    ledger.dispose();
  }, 60_000);

  it("has every acknowledged entry after a process was killed in the middle of writing", async () => {
    for (let round = 0; round < 3; round++) {
      const folder = temporaryFolder();
      const { child, acknowledged } = startWriter(folder, "k", 100_000, form);
      await until(() => acknowledged().length > 50 + round * 37, 10_000);
      child.kill("SIGKILL");
      await ended(child);
      const { ledger, host: heard } = open(folder, host);
      const ids = new Set((await ledger.list()).map(({ id }) => id));
      expect(acknowledged().filter((id) => !ids.has(id))).toEqual([]);
      await ledger.append(entry("after"));
      expect((await ledger.list()).map(({ id }) => id)).toContain("after");
      expect(heard.notices).toEqual([]);
      ledger.dispose();
    }
  }, 60_000);

  it("leaves not a byte of what was deleted", async () => {
    const folder = temporaryFolder();
    const { ledger } = open(folder, host);
    for (let index = 0; index < 50; index++)
      await ledger.append(entry(`CANARY${index}`, { model: "CANARY".repeat(500) }));
    writeFileSync(join(folder, "switchyard.db.broken-1"), "CANARY");
    expect(bytesIn(folder)).toContain("CANARY");
    const other = open(folder, host).ledger;
    await other.list();
    await ledger.clear();
    expect(bytesIn(folder)).not.toContain("CANARY");
    expect(await other.list()).toEqual([]);
    await other.append(entry("new"));
    expect(await ledger.list()).toEqual([entry("new")]);
    ledger.dispose();
    other.dispose();
    expect(bytesIn(folder)).not.toContain("CANARY");
  });

  it.skipIf(!smallDisk)("says what to do when the disk is full, and goes on when it is not any more", async () => {
    const disk = smallDisk?.() ?? "";
    const { ledger } = open(disk, host);
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
    ledger.dispose();
  });

  it.skipIf(!smallDisk)("says so as well when there was never any room", async () => {
    const disk = smallDisk?.() ?? "";
    fillDisk(disk);
    const { ledger } = open(disk, host);
    await expect(ledger.append(entry("a"))).rejects.toMatchObject({
      kind: "storage",
      message: expect.stringMatching(/^The disk is full/),
    });
    ledger.dispose();
  });

  it("says what to do when it cannot be written", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "a-file"), "");
    const { ledger } = open(join(folder, "a-file"), host);
    await expect(ledger.append(entry("a"))).rejects.toMatchObject({
      kind: "storage",
      message: expect.stringMatching(/nothing is sent without it\. Make .+ writable/),
    });
    await expect(ledger.list()).rejects.toMatchObject({ kind: "storage" });
    ledger.dispose();
  });
});

describe("the ledger in SQLite", () => {
  it("sets a broken file aside, says so, and begins a new one", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "switchyard.db");
    writeFileSync(file, "this is no database".repeat(1000));
    const { ledger, host } = open(folder);
    await ledger.append(entry("a"));
    expect(await ledger.list()).toEqual([entry("a")]);
    const aside = readdirSync(folder).find((each) => each.startsWith("switchyard.db.broken-"));
    expect(readFileSync(join(folder, aside ?? ""), "utf8")).toContain("this is no database");
    expect(host.notices).toEqual([
      `The file ${file} was broken. It was set aside as ${join(folder, aside ?? "")}, and a new one begun.`,
    ]);
    ledger.dispose();
  });

  it("finds a break in the middle of the file, and sets it aside once when two windows find it", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "switchyard.db");
    const [first, second] = [open(folder), open(folder)];
    for (let index = 0; index < 200; index++) await first.ledger.append(entry(`a${index}`));
    await second.ledger.list();
    first.ledger.dispose();
    second.ledger.dispose();
    const size = statSync(file).size;
    truncateSync(file, 4096);
    truncateSync(file, size);
    await Promise.all([first.ledger.append(entry("x")), second.ledger.append(entry("y"))]);
    const ids = (await first.ledger.list()).map(({ id }) => id).sort();
    expect(ids).toEqual(["x", "y"]);
    expect((await second.ledger.list()).length).toBe(2);
    expect(readdirSync(folder).filter((each) => each.includes(".broken-"))).toHaveLength(1);
    expect(first.host.notices.length + second.host.notices.length).toBe(1);
    first.ledger.dispose();
    second.ledger.dispose();
  });

  it("is begun anew once, and loses nothing, when several processes find it broken at the same moment", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "switchyard.db"), "this is no database".repeat(1000));
    const startAtMs = Date.now() + 1500;
    const writers = ["p", "q", "r", "s"].map((each) => startWriter(folder, each, 50, "sqlite", startAtMs));
    await Promise.all(writers.map(({ child }) => ended(child)));
    expect(writers.map(({ wrong }) => wrong()).join("")).toBe("");
    const { ledger } = open(folder);
    expect(await ledger.list()).toHaveLength(200);
    expect(readdirSync(folder).filter((each) => /\.broken-\d+$/.test(each))).toHaveLength(1);
    ledger.dispose();
  }, 60_000);

  it("writes into the file that is there, not into one that was deleted under it", async () => {
    const folder = temporaryFolder();
    const { ledger } = open(folder);
    await ledger.append(entry("a"));
    for (const each of readdirSync(folder)) rmSync(join(folder, each));
    await ledger.append(entry("b"));
    const other = open(folder).ledger;
    expect(await other.list()).toEqual([entry("b")]);
    ledger.dispose();
    other.dispose();
  });

  it("leaves a file of a newer version as it is, and sends nothing", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "switchyard.db");
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE future (x); PRAGMA user_version = 99;");
    db.close();
    const before = readFileSync(file);
    const { ledger, host } = open(folder);
    const refusal = { kind: "storage", message: expect.stringMatching(/written by a newer version.*update it/) };
    await expect(ledger.append(entry("a"))).rejects.toMatchObject(refusal);
    await expect(ledger.list()).rejects.toMatchObject(refusal);
    await expect(ledger.spentUsd(0)).rejects.toMatchObject(refusal);
    ledger.dispose();
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(existsSync(join(folder, "ledger.ndjson"))).toBe(false);
    expect(host.notices).toEqual([]);
  });

  it("counts what a host without SQLite has sent as well", async () => {
    const folder = temporaryFolder();
    const editor = open(folder, withoutSqlite).ledger;
    const shell = open(folder).ledger;
    await editor.append(entry("editor", { atMs: 1, costUsd: 1 }));
    await shell.append(entry("shell", { atMs: 2, costUsd: 0.5 }));
    expect((await shell.list()).map(({ id }) => id)).toEqual(["shell", "editor"]);
    expect(await shell.spentUsd(0)).toBeCloseTo(1.5);
    await shell.clear();
    expect(await editor.list()).toEqual([]);
    shell.dispose();
  });

  it("cannot be changed, only added to", async () => {
    const folder = temporaryFolder();
    const { ledger } = open(folder);
    await ledger.append(entry("a"));
    ledger.dispose();
    const db = new DatabaseSync(join(folder, "switchyard.db"));
    expect(() => db.exec("UPDATE ledger SET costUsd = 0")).toThrow("only added to");
    db.close();
  });
});

describe("the ledger as lines", () => {
  it("passes over a line that a crash cut, and adds the next one on its own", async () => {
    const folder = temporaryFolder();
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "ledger.ndjson");
    writeFileSync(file, `${JSON.stringify(entry("a"))}\n{"id":"cut","atM`);
    const { ledger } = open(folder, withoutSqlite);
    await ledger.append(entry("b"));
    expect((await ledger.list()).map(({ id }) => id).sort()).toEqual(["a", "b"]);
  });
});
