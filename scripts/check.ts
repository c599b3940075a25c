// npm run check: format and lint, types, unused code, unit tests, build.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ensureBrowser } from "./browser.ts";
import { ensureStrace, findProgram, installPackages } from "./debian.ts";
import { ensureDocker } from "./docker.ts";
import { ensureHelm } from "./helm.ts";
import { ensurePrometheus } from "./prometheus.ts";
import { ensureRedis } from "./redis.ts";
import { root, run } from "./run.ts";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

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

/** Each tool counts as one test. */
export async function runChecks(): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, command } of stages) {
    const startMs = performance.now();
    const [program, ...args] = command;
    const code = await run(program, args, { limitMs: 10 * 60_000 });
    console.log(`${code === 0 ? "ok  " : "FAIL"} ${name} (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
    if (code === 0) counts.passed++;
    else counts.failed++;
  }
  return counts;
}

/** The unit tests, and what they need: a real browser for the chat page, a real Redis where one can be had. */
export async function runUnitTests(
  patterns: readonly string[],
  limitMs: number,
  options: readonly string[] = [],
): Promise<Counts> {
  await ensureBrowser();
  // Without one its tests are skipped, and counted.
  await ensureRedis().catch((error: unknown) => console.log(String(error)));
  const tell = (error: unknown) => console.log(String(error));
  if (patterns.includes("test/monitoring")) await ensurePrometheus().catch(tell);
  if (patterns.includes("test/deploy")) await ensureHelm().catch(tell);
  await ensureStrace();
  const alone = measured.filter((file) => patterns.some((pattern) => file.startsWith(pattern)));
  const most = await runVitest(patterns, limitMs, [
    ...options,
    ...sideBySide,
    ...alone.map((file) => `--exclude=${file}*`),
  ]);
  // Without a pattern it would run everything.
  return alone.length === 0 ? most : addCounts(most, await runVitest(alone, limitMs, options));
}

/** Most tests wait more than they compute, and vitest itself leaves one processor free: of two that is half. */
const sideBySide = [`--maxWorkers=${Math.max(2, availableParallelism() - 1)}`];

/** Tests that mind milliseconds, or how fast the machine computes: nothing runs beside them. */
export const measured = [
  ...["addresses", "classifier", "path-marks", "secrets", "secrets-encoded"].map((name) => `test/core/${name}.test`),
  ...["cases", "hot-path", "load", "real-model", "attacks"].map((name) => `test/proxy/${name}.test`),
  ...["claude-stop", "engine", "ollama", "post-json", "thread-pace"].map((name) => `test/backends/${name}.test`),
  ...["chaos", "patience", "run-on-nodes"].map((name) => `test/tasks/${name}.test`),
  ...["answer-cache", "answer-cache-redis", "answer-cache-sqlite", "redis-link"].map(
    (name) => `test/store/${name}.test`,
  ),
  ...["chat", "follow-end", "huge-answer"].map((name) => `test/webview/${name}.test`),
  "test/cli/lean.test",
];

function addCounts(one: Counts, other: Counts): Counts {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  };
}

/** Runs vitest on the files and counts from its report; a run that reports nothing is a failure. */
export async function runVitest(
  patterns: readonly string[],
  limitMs: number,
  options: readonly string[] = [],
): Promise<Counts> {
  const report = join(
    root,
    "out",
    `vitest-${createHash("sha256").update(patterns.join("\n")).digest("hex").slice(0, 12)}.json`,
  );
  await mkdir(join(root, "out"), { recursive: true });
  await rm(report, { force: true });
  const code = await run(
    "vitest",
    ["run", ...patterns, ...options, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    { limitMs },
  );
  try {
    const json = JSON.parse(await readFile(report, "utf8"));
    const counts = { passed: json.numPassedTests, failed: json.numFailedTests, skipped: json.numPendingTests };
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    if (counts.passed === 0) counts.failed++;
    return counts;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

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

if (import.meta.main) {
  const checks = await runChecks();
  const units = await runUnitTests(
    unitPatterns
      .filter(
        (pattern) =>
          ![
            ...["test/backends/", "test/privacy", "test/proxy", "test/service", "test/clients", "test/mcp"],
            ...["test/monitoring", "test/deploy"],
          ].includes(pattern),
      )
      .concat(
        "test/backends/ollama",
        "test/backends/find",
        "test/backends/servers",
        "test/proxy/clients",
        "test/monitoring/files",
        "test/containers/engine-candidates",
        "test/containers/stack",
      ),
    10 * 60_000,
    // A Redis that is frozen and killed, real models and real pages take their time; `npm test` has them.
    [
      "--exclude=test/store/*redis*",
      "--exclude=test/cli/{program,advice,pull,setup,packed}*",
      "--exclude=test/clients/**",
      "--exclude=test/tasks/chaos*",
      "--exclude=test/webview/{chat,follow,huge}*",
    ],
  );
  const failed = checks.failed + units.failed;
  console.log(`${checks.passed + units.passed} passed, ${failed} failed, ${units.skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}
