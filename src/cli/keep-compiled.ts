// Code that is compiled once: without this, every command would compile all it reads anew.
import { existsSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import module from "node:module";
import { join } from "node:path";

/** A command that ends has it written by Node; a service may be ended without being asked, ms. */
const writeAfterMs = 2_000;
/** What another version has left is of no use, days. */
const keepDays = 90;

/**
 * Keeps what Node compiles of the modules read from now on. Where the home is not there yet nothing is made: whoever
 * makes it makes it private. Node can do this from 22.1 on; who wants it elsewhere or not at all tells Node
 * (`NODE_COMPILE_CACHE`, `NODE_DISABLE_COMPILE_CACHE`).
 */
export function keepCompiled(home: string): void {
  if (!existsSync(home)) return;
  const folder = join(home, "compiled");
  module.enableCompileCache?.(folder);
  const later = () => {
    module.flushCompileCache?.();
    void removeOld(folder);
  };
  setTimeout(later, writeAfterMs).unref();
}

async function removeOld(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const oldestMs = Date.now() - keepDays * 86_400_000;
  for (const name of names) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() && found.mtimeMs < oldestMs) await rm(path, { force: true }).catch(() => undefined);
  }
}
