// Sets up a program and takes it back. What was there before is kept until it is taken back.
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod/mini";
import { type Message, msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import type { Client, ClientFile, ClientId, Step, Surroundings } from "./client.ts";
import { recordPath } from "./connected.ts";
import { applySettings, documents, isSame, valueAt } from "./document.ts";

/** A file as it is and as it is to be; undefined: it is not there. */
export interface FileChange {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface Undone {
  readonly changes: readonly FileChange[];
  /** What was left, because it had been changed since. */
  readonly notes: readonly Message[];
}

const step = z.union([z.string(), z.object({ key: z.string(), is: z.string() })]);
const recordSchema = z.object({
  files: z.array(
    z.object({
      path: z.string(),
      format: z.enum(["json", "toml", "yaml", "env"]),
      /** Base64 of what was there; absent: there was no file. */
      before: z.optional(z.string()),
      mode: z.optional(z.int()),
      after: z.string(),
      settings: z.array(z.object({ path: z.array(step), value: z.unknown() })),
    }),
  ),
});
type ConnectionRecord = z.infer<typeof recordSchema>;
type FileRecord = ConnectionRecord["files"][number];

export interface Plan {
  readonly client: Client;
  readonly changes: readonly FileChange[];
  readonly record: ConnectionRecord;
  readonly hasToken: ReadonlySet<string>;
}

/**
 * What setting it up would change. Where it is set up already, what was there before that stays what is gone back to.
 * @throws TaskError `bad-input` where a file cannot be changed, or would bring the token into a repository
 */
export async function planConnection(home: string, client: Client, surroundings: Surroundings): Promise<Plan> {
  const known = await readRecord(home, client.id);
  const files = client.files(surroundings);
  const planned = await Promise.all(
    files.map((file) =>
      planFile(
        file,
        known?.files.find((each) => each.path === file.path),
      ),
    ),
  );
  return {
    client,
    changes: planned.map(({ change }) => change).filter(({ before, after }) => before !== after),
    record: { files: planned.map(({ record }) => record) },
    hasToken: new Set(files.filter((file) => file.hasToken).map(({ path }) => path)),
  };
}

async function planFile(file: ClientFile, known: FileRecord | undefined) {
  if (file.hasToken) await refuseRepository(file.path);
  const now = await readIfThere(file.path);
  // Without what was set before, whether the file was changed since or not.
  const base = known ? withoutOurs(known, now).text : now;
  const after = changeText(file, base ?? "");
  const mode = await stat(file.path).then(
    (found) => found.mode & 0o777,
    () => undefined,
  );
  const record: FileRecord = {
    path: file.path,
    format: file.format,
    ...(base === undefined ? {} : { before: Buffer.from(base).toString("base64") }),
    ...(known?.mode !== undefined ? { mode: known.mode } : mode === undefined ? {} : { mode }),
    after,
    settings: file.settings.map(({ path, value }) => ({ path: [...path], value })),
  };
  return { record, change: { path: file.path, before: now, after } };
}

function changeText(file: ClientFile, text: string): string {
  try {
    return applySettings(file.format, text, file.settings);
  } catch (cause) {
    throw new TaskError("bad-input", msg("{0} cannot be changed: {1}", file.path, String(cause)), { cause });
  }
}

/** Keeps what was there first, and writes then. */
export async function applyConnection(home: string, { client, changes, record, hasToken }: Plan): Promise<void> {
  await writePrivate(recordPath(home, client.id), JSON.stringify(record));
  for (const { path, after } of changes) {
    const mode = record.files.find((file) => file.path === path)?.mode;
    await replaceFile(path, after ?? "", hasToken.has(path) ? 0o600 : (mode ?? 0o600));
  }
}

/** What taking it back would change; undefined where it is not set up. */
export async function planUndo(home: string, id: ClientId): Promise<Undone | undefined> {
  const record = await readRecord(home, id);
  if (!record) return undefined;
  const notes: Message[] = [];
  const changes: FileChange[] = [];
  for (const file of record.files) {
    const now = await readIfThere(file.path);
    const { text, left } = withoutOurs(file, now);
    if (left.length > 0) {
      notes.push(msg("{0} was changed since; left as they are now: {1}", file.path, left.join(", ")));
    }
    if (text !== now) changes.push({ path: file.path, before: now, after: text });
  }
  return { changes, notes };
}

export async function applyUndo(home: string, id: ClientId, { changes }: Undone): Promise<void> {
  const record = await readRecord(home, id);
  for (const { path, after } of changes) {
    if (after === undefined) await rm(await realPathOf(path), { force: true });
    else await replaceFile(path, after, record?.files.find((file) => file.path === path)?.mode ?? 0o600);
  }
  await rm(recordPath(home, id), { force: true });
}

/** Every byte as it was where nobody has changed the file since; else without the settings that are still ours. */
function withoutOurs(file: FileRecord, now: string | undefined): { text: string | undefined; left: readonly string[] } {
  const before = file.before === undefined ? undefined : Buffer.from(file.before, "base64").toString();
  if (now === undefined || now === before) return { text: now, left: [] };
  if (now === file.after) return { text: before, left: [] };
  const { parse } = documents[file.format];
  const left: string[] = [];
  let text = now;
  try {
    const old = parse(before ?? "");
    for (const { path, value } of [...file.settings].reverse()) {
      const found = valueAt(parse(text), path);
      if (isSame(found, valueAt(old, path))) continue;
      if (isSame(found, value)) text = restored(file, text, path, old);
      else if (found !== undefined) left.push(nameOf(path));
    }
    // Nobody has put anything there, not even a remark.
    const isEmpty = text.replace(/\s|---/g, "").length <= 2 && isNothing(parse(text));
    if (before === undefined && isEmpty) return { text: undefined, left };
  } catch {
    return { text: now, left: file.settings.map(({ path }) => nameOf(path)) };
  }
  return { text, left };
}

/** One setting as it was; what was made to hold it goes with it where nothing else is in it now. */
function restored({ format }: FileRecord, text: string, path: readonly Step[], old: unknown): string {
  const { parse, set, remove } = documents[format];
  const value = valueAt(old, path);
  if (value !== undefined) return set(text, path, value);
  let changed = remove(text, path);
  for (let length = path.length - 1; length > 0; length--) {
    const holder = path.slice(0, length);
    const held = valueAt(parse(changed), holder);
    if (!isNothing(held) || valueAt(old, holder) !== undefined) break;
    changed = remove(changed, holder);
  }
  return changed;
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

const nameOf = (path: readonly Step[]) => path.map((each) => (typeof each === "string" ? each : each.is)).join(".");

/** A token in a repository is a token that is given away. What is ignored there is never committed. */
async function refuseRepository(path: string): Promise<void> {
  const real = await realPathOf(path);
  let folder = dirname(real);
  while (!(await stat(join(folder, ".git")).catch(() => undefined))) {
    if (dirname(folder) === folder) return;
    folder = dirname(folder);
  }
  if (await isIgnored(folder, real)) return;
  throw new TaskError(
    "bad-input",
    msg(
      "{0} lies in the repository {1}: the token would be committed with it. Let the repository ignore this file first.",
      path,
      folder,
    ),
  );
}

function isIgnored(folder: string, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile("git", ["-C", folder, "check-ignore", "-q", "--", path], (error) => resolve(error === null));
  });
}

async function readRecord(home: string, id: ClientId): Promise<ConnectionRecord | undefined> {
  const text = await readIfThere(recordPath(home, id));
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new TaskError("storage", msg("{0} is broken. Mend it or remove it.", recordPath(home, id)), { cause });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new TaskError("bad-input", msg("{0} cannot be read.", path), { cause: error });
  });
  const text = bytes?.toString();
  // Otherwise it could not be given back as it was.
  if (text !== undefined && !bytes?.equals(Buffer.from(text))) {
    throw new TaskError("bad-input", msg("{0} is not a text file.", path));
  }
  return text;
}

async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceFile(path, text, 0o600);
}

/** Renamed into place, through links: a program that reads meanwhile never sees half of it. */
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const real = await realPathOf(path);
  await mkdir(dirname(real), { recursive: true });
  const beside = `${real}.${process.pid}.tmp`;
  await writeFile(beside, text, { mode });
  await chmod(beside, mode);
  await rename(beside, real);
}

const realPathOf = (path: string) => realpath(path).catch(() => path);
