// node scripts/fresh-install.ts: the product built and packed without a lock file, with the newest versions its manifest
// allows, then a stream through it from an empty folder. Needs a registry and some minutes, so no test runs it.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun, root } from "./run.ts";

const folder = await mkdtemp(join(tmpdir(), "switchyard-fresh-"));
try {
  const archive = execFileSync("git", ["-C", root, "archive", "HEAD"], { maxBuffer: 1e9 });
  execFileSync("tar", ["-xf", "-", "-C", folder], { input: archive });
  await rm(join(folder, "package-lock.json"));
  await mustRun("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder, limitMs: 10 * 60_000 });
  await mustRun("node", ["esbuild.mjs", "--production"], { cwd: folder });
  await mustRun("npx", ["vitest", "run", "test/cli/packed.test.ts"], { cwd: folder });
} finally {
  await rm(folder, { recursive: true, force: true });
}
