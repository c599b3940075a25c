import { type Message, msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import { TaskError } from "../core/task-error.ts";
import { SqliteUnusable, sqliteCode } from "./sqlite-connection.ts";

const sqliteFull = 13;

/** What a person can do about a ledger that does not work. */
export function storageError(file: string, cause: unknown): TaskError {
  if (cause instanceof TaskError) return cause;
  return new TaskError("storage", textOf(file, cause), { cause });
}

function textOf(file: string, cause: unknown): Message {
  if (cause instanceof SqliteUnusable && cause.reason === "newer")
    return msg("{0} was written by a newer version of Switchyard. Nothing is sent from this one: update it.", file);
  if (isFull(cause))
    return msg(
      "The disk is full: what leaves this machine cannot be recorded in {0}, so nothing is sent. Free some space, then ask again.",
      file,
    );
  const why = reasonOf(cause);
  return msg(
    "The record of what leaves this machine does not work ({0}), and nothing is sent without it. Make {1} writable, then ask again.",
    why,
    file,
  );
}

function isFull(cause: unknown): boolean {
  if (sqliteCode(cause) === sqliteFull) return true;
  return cause instanceof Error && "code" in cause && (cause.code === "ENOSPC" || cause.code === "EDQUOT");
}
