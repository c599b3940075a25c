// What tells a process from a later one with the same id.
import { readFileSync } from "node:fs";

/** Differs for every process that this machine ever runs; undefined where the system, such as a Mac or Windows, has no file for it. */
export function birthOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // After the name, which may hold anything, the 20th field is when it was started, since the machine was.
    const startedAt = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    if (startedAt === undefined) return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${startedAt}`;
  } catch {
    return undefined;
  }
}
