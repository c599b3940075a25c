// npm run check: format and lint, types, unused code, unit tests, build.
import { availableParallelism } from "node:os";
import { ensureBrowser } from "./browser.ts";
import { ensureStrace, findProgram, installPackages } from "./debian.ts";
import { ensureDocker } from "./docker.ts";
import { ensureHelm } from "./helm.ts";
import { ensurePrometheus } from "./prometheus.ts";
import { ensureRedis } from "./redis.ts";
import { run } from "./run.ts";
import { addCounts, type Counts, runVitest } from "./vitest.ts";

interface Stage {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const stages: readonly Stage[] = [
  { name: "format and lint", command: ["biome", "check", "--error-on-warnings", "."] },
  { name: "types", command: ["tsc", "-p", "."] },
  { name: "unused code", command: ["knip"] },
  { name: "build", command: ["node", "esbuild.mjs"] },
];

/** Side by side: none of them keeps all processors busy. Each tool counts as one test. */
export async function runChecks(): Promise<Counts> {
  const counts = { passed: 0, failed: 0, skipped: 0, remarks: [] as string[] };
  const check = async ({ name, command: [program, ...args] }: Stage) => {
    const startMs = performance.now();
    const code = await run(program, args, { limitMs: 10 * 60_000 });
    console.log(`${code === 0 ? "ok  " : "FAIL"} ${name} (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
    if (code === 0) counts.passed++;
    else {
      counts.failed++;
      counts.remarks.push(name);
    }
  };
  await Promise.all(stages.map(check));
  return counts;
}

/**
 * The unit tests, and what they need: a real browser for the chat page, a real Redis where one can be had.
 * @param left how the names of those begin that are left out
 */
export async function runUnitTests(
  patterns: readonly string[],
  limitMs: number,
  left: readonly string[] = [],
): Promise<Counts> {
  await ensureBrowser();
  // Without one its tests are skipped, and counted.
  await ensureRedis().catch((error: unknown) => console.log(String(error)));
  const tell = (error: unknown) => console.log(String(error));
  if (patterns.includes("test/monitoring")) await ensurePrometheus().catch(tell);
  if (patterns.includes("test/deploy")) await ensureHelm().catch(tell);
  await ensureStrace();
  const begins = (file: string, starts: readonly string[]) => starts.some((start) => file.startsWith(start));
  const wanted = (files: readonly string[]) => files.filter((file) => begins(file, patterns) && !begins(file, left));
  const [waiting, alone] = [wanted(patient), wanted(measured)];
  const apart = [...left, ...waiting, ...alone].map((start) => `--exclude=${start}*`);
  let counts = await runVitest(patterns, limitMs, [...sideBySide, ...apart]);
  // Without a pattern it would run everything.
  if (waiting.length > 0) counts = addCounts(counts, await runVitest(waiting, limitMs, ["--maxWorkers=2"]));
  if (alone.length > 0) counts = addCounts(counts, await runVitest(alone, limitMs, ["--maxWorkers=1"]));
  return counts;
}

/** Most tests wait more than they compute, and vitest itself leaves one processor free. */
const sideBySide = [`--maxWorkers=${availableParallelism() + 1}`];

/** Tests that mind how long they waited, and compute next to nothing: beside each other, and nothing else. */
export const patient = [
  ...["chaos", "patience", "run-on-nodes"].map((name) => `test/tasks/${name}.test`),
  "test/store/redis-link.test",
];

/** Tests that mind milliseconds, or how fast the machine computes: nothing runs beside them. */
export const measured = [
  ...["addresses", "classifier", "path-marks", "secrets", "secrets-encoded"].map((name) => `test/core/${name}.test`),
  ...["cases", "hot-path", "load", "attacks"].map((name) => `test/proxy/${name}.test`),
  ...["claude-stop", "ollama", "post-json", "thread-pace"].map((name) => `test/backends/${name}.test`),
  // Servers whose threads wait by computing: two of them beside each other stand still.
  ...["llama-cpp-itself", "ollama-itself", "vllm-itself"].map((name) => `test/backends/${name}.test`),
  ...["answer-cache", "answer-cache-redis"].map((name) => `test/store/${name}.test`),
  ...["huge-answer", "long-conversation"].map((name) => `test/webview/${name}.test`),
  ...["built", "lean"].map((name) => `test/cli/${name}.test`),
];

/** The stack on a real Docker engine. Where none can run its tests are skipped, and counted. */
export async function runContainerTests(): Promise<Counts> {
  await ensureDocker().catch((error: unknown) => console.log(String(error)));
  // Without it the Compose files are compared and not tried.
  if (!findProgram("docker-compose")) await installPackages("docker-compose").catch(() => undefined);
  // Usually three to four minutes; on a busy machine more.
  return runVitest(["test/containers"], 20 * 60_000, sideBySide);
}

export const unitPatterns = [
  "test/core",
  "test/tasks",
  "test/store",
  "test/cli",
  "test/mcp",
  "test/proxy",
  "test/service",
  "test/clients",
  "test/webview",
  "test/vscode",
  "test/backends/",
  "test/privacy",
  "test/architecture",
  "test/process-lock",
  "test/manifest",
  "test/monitoring",
  "test/deploy",
  "test/l10n",
];

/** What a developer waits for before a commit: everything that needs no process, browser, model or wait of its own. */
const quickPatterns = [
  ...["test/core", "test/tasks", "test/store", "test/cli/", "test/webview", "test/vscode"],
  ...["test/architecture", "test/process-lock", "test/manifest", "test/l10n"],
  ...["test/backends/ollama", "test/backends/find", "test/backends/servers"],
  ...["test/proxy/clients", "test/monitoring/files", "test/containers/engine-candidates", "test/containers/stack"],
];

/** Of these, what takes seconds all the same; `npm test` has it. */
const slowFiles = [
  ...["advice", "built", "delete", "packed", "program", "pull", "reader-leaves", "setup", "terminal", "windows"].map(
    (name) => `test/cli/${name}`,
  ),
  ...["answer-cache-redis", "redis-link"].map((name) => `test/store/${name}`),
  ...["chaos", "patience", "run-on-nodes", "test-tools-late"].map((name) => `test/tasks/${name}`),
  ...["answer", "chat", "focus", "follow", "huge", "long", "unsure"].map((name) => `test/webview/${name}`),
  ...["itself", "work"].map((name) => `test/backends/ollama-${name}`),
];

if (import.meta.main) {
  const checks = await runChecks();
  const units = await runUnitTests(quickPatterns, 10 * 60_000, slowFiles);
  const failed = checks.failed + units.failed;
  for (const remark of [...(checks.remarks ?? []), ...(units.remarks ?? [])]) console.log(remark);
  console.log(`${checks.passed + units.passed} passed, ${failed} failed, ${units.skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}
