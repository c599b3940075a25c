import type { Flags } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

/** Writes what came out: as a line of JSON for programs that asked for it, else as text. */
export const printer =
  (terminal: Terminal) =>
  (flags: Flags, value: unknown, text: string): void =>
    flags.json ? terminal.writeJson(value) : terminal.write(`${text}\n`);
