import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SqliteFile } from "../../src/store/sqlite.ts";
import { listeningHost, temporaryFolder } from "./sample.ts";

const insert = "INSERT INTO answers (key, usedMs, bytes, value) VALUES (?, 1, 1, ?)";

/** A file and its log as a crash leaves them: what was written last is in the log alone. */
async function crashed(): Promise<string> {
  const [living, folder] = [temporaryFolder(), temporaryFolder()];
  const file = new SqliteFile({ ...listeningHost(), file: join(living, "a.db") }, 100);
  // The schema goes into the file; what is written after it stays in the log.
  await file.use((db) => db.row("PRAGMA wal_checkpoint(TRUNCATE)"));
  await file.use((db) => db.run(insert, "old", "canary"));
  for (const name of ["a.db", "a.db-wal"]) copyFileSync(join(living, name), join(folder, name));
  file.close();
  return folder;
}

it("finds in the log what a crash left there", async () => {
  const folder = await crashed();
  const file = new SqliteFile({ ...listeningHost(), file: join(folder, "a.db") }, 100);
  expect(await file.use((db) => db.row("SELECT value FROM answers"))).toEqual({ value: "canary" });
  file.close();
});

it("sets the log of a broken file aside with it, so that the new file never finds it", async () => {
  const folder = await crashed();
  // Another window has it open: SQLite leaves the log where it is.
  const window = new SqliteFile({ ...listeningHost(), file: join(folder, "a.db") }, 100);
  expect(await window.use((db) => db.rows("SELECT key FROM answers"))).toEqual([{ key: "old" }]);
  writeFileSync(join(folder, "a.db"), "nonsense".repeat(2000));
  const host = { ...listeningHost(), nowMs: () => 77 };
  const file = new SqliteFile({ ...host, file: join(folder, "a.db") }, 100);
  expect(await file.use((db) => db.rows("SELECT key FROM answers"))).toEqual([]);
  await file.use((db) => db.run(insert, "new", "x"));
  expect(await file.use((db) => db.rows("SELECT key FROM answers"))).toEqual([{ key: "new" }]);
  const setAside = readdirSync(folder).filter((name) => name.includes("broken"));
  expect(setAside).toEqual(["a.db.broken-77", "a.db.broken-77-wal"]);
  expect(readFileSync(join(folder, "a.db.broken-77-wal")).includes("canary")).toBe(true);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!setAside.includes(name)) expect(readFileSync(path).includes("canary"), name).toBe(false);
    expect(statSync(path).mode & 0o077, name).toBe(0);
  }
  expect(host.notices.join()).toContain("a.db.broken-77");
  // The other window notices, and goes on with the new one.
  expect(await window.use((db) => db.rows("SELECT key FROM answers"))).toEqual([{ key: "new" }]);
  window.close();
  file.close();
});

it("leaves a file of a newer version and its log untouched, byte for byte", async () => {
  const folder = await crashed();
  const newer = new SqliteFile({ ...listeningHost(), file: join(folder, "a.db") }, 100);
  await newer.use((db) => db.run("PRAGMA user_version = 99"));
  newer.close();
  const before = readFileSync(join(folder, "a.db"));
  const file = new SqliteFile({ ...listeningHost(), file: join(folder, "a.db") }, 100);
  await expect(file.use((db) => db.run("DELETE FROM answers"))).rejects.toMatchObject({ reason: "newer" });
  expect(readFileSync(join(folder, "a.db")).equals(before)).toBe(true);
});
