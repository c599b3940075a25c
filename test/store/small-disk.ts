// A disk of a few megabytes, for tests of a full one: in memory, where we may mount one.
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const mounted: string[] = [];
afterAll(() => {
  for (const folder of mounted) {
    execFileSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Mounts one and gives its folder; undefined where that is not allowed. */
export const smallDisk: (() => string) | undefined = mayMount() ? mount : undefined;

function mayMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    mount();
    return true;
  } catch {
    return false;
  }
}

function mount(): string {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], { stdio: "ignore" });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  mounted.push(folder);
  return folder;
}

/** @returns the file that takes all the room */
export function fillDisk(folder: string): string {
  const file = join(folder, "filler");
  const handle = openSync(file, "w");
  try {
    for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) if (writeSync(handle, Buffer.alloc(size)) < size) break;
      } catch {
        // Not so much any more; perhaps less.
      }
    }
  } finally {
    closeSync(handle);
  }
  return file;
}
