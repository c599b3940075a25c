// What the system refused, for the person: mostly the folder in which the product keeps its things.
import { type Message, msg } from "../core/message.ts";

const unusable = new Set(["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EEXIST", "ENOTDIR", "EISDIR"]);

/** Undefined for what is no error of the system, or says nothing to a person. @param home where files lie that it does not name */
export function systemErrorText(error: unknown, home: string): Message | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  const { code } = error;
  const file = "path" in error && typeof error.path === "string" ? error.path : home;
  if (!unusable.has(code)) return undefined;
  return unwritable(file, code);
}

/** @param code as the system names the reason */
export function unwritable(file: string, code: string): Message {
  if (isFull(code)) return full(file);
  return msg("{0} cannot be written ({1}). Make it writable, or let SWITCHYARD_HOME name another folder.", file, code);
}

export const isFull = (code: string): boolean => code === "ENOSPC" || code === "EDQUOT";

const full = (file: string) =>
  msg("The disk is full: {0} could not be written. Make room, or let SWITCHYARD_HOME name another folder.", file);
