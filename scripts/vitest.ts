// Runs vitest and reads its report: how many tests passed, and the names of those that did not.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { root, run } from "./run.ts";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** One line for each failed test, and for each that passed only when its file ran again by itself. */
  remarks?: readonly string[];
}

export function addCounts(one: Counts, other: Counts): Counts {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
    remarks: [...(one.remarks ?? []), ...(other.remarks ?? [])],
  };
}

/** What vitest's JSON reporter writes, as far as it is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: "passed" | "failed";
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** More files than these do not fail by chance. */
const mostByChance = 2;

/**
 * Runs vitest on the files and counts from its report; a run that reports nothing is a failure. One or two files with
 * failed tests run once more, each by itself: what passes then is counted as passed, and told.
 */
export async function runVitest(
  patterns: readonly string[],
  limitMs: number,
  options: readonly string[] = [],
): Promise<Counts> {
  const first = await reportOf(patterns, limitMs, options);
  const files = failedFiles(first);
  if (files.length === 0 || files.length > mostByChance) return countsOf(first);
  const remarks = failuresIn(first);
  console.log(`\n${remarks.join("\n")}\nOnce more, by itself: ${files.join(", ")}`);
  const second = await reportOf(files, limitMs, ["--maxWorkers=1"]);
  const passedBefore = first.report === undefined ? 0 : passedOutside(first.report, files);
  const again = countsOf(second);
  return {
    passed: passedBefore + again.passed,
    failed: again.failed,
    skipped: first.report?.numPendingTests ?? 0,
    remarks: again.failed > 0 ? failuresIn(second) : remarks.map((remark) => `passed when run again: ${remark}`),
  };
}

interface Ended {
  readonly code: number;
  readonly report: Report | undefined;
}

async function reportOf(patterns: readonly string[], limitMs: number, options: readonly string[]): Promise<Ended> {
  const name = createHash("sha256").update(patterns.join("\n")).digest("hex").slice(0, 12);
  const file = join(root, "out", `vitest-${name}.json`);
  await mkdir(join(root, "out"), { recursive: true });
  await rm(file, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const code = await run("vitest", ["run", ...patterns, ...options, ...reporters], { limitMs });
  const report = await readFile(file, "utf8").then(JSON.parse, () => undefined);
  return { code, report };
}

/** Empty where something was thrown outside of the files too: that is not mended by running them again. */
function failedFiles({ code, report }: Ended): readonly string[] {
  if (code === 0 || report === undefined) return [];
  return report.testResults.filter(({ status }) => status === "failed").map(({ name }) => relative(root, name));
}

const passedOutside = (report: Report, files: readonly string[]): number =>
  report.testResults
    .filter(({ name }) => !files.includes(relative(root, name)))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "passed").length;

function failuresIn({ code, report }: Ended): readonly string[] {
  if (report === undefined) return [`vitest ended with ${code} and without a report`];
  const remarks = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const tests = assertionResults.filter((test) => test.status === "failed");
    const firstLine = (text: string | undefined) => text?.trim().split("\n", 1)[0] ?? "";
    const file = relative(root, name);
    if (tests.length === 0) return status === "failed" ? [`${file}: ${firstLine(message)}`] : [];
    return tests.map((test) => `${file}: ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
  });
  if (code !== 0 && remarks.length === 0) return ["something was thrown outside of a test; it is told above"];
  return remarks;
}

function countsOf(ended: Ended): Counts {
  const remarks = failuresIn(ended);
  if (ended.report === undefined) return { passed: 0, failed: 1, skipped: 0, remarks };
  const { numPassedTests: passed, numFailedTests, numPendingTests: skipped } = ended.report;
  const failed = Math.max(numFailedTests, ended.code !== 0 || passed === 0 ? 1 : 0);
  return { passed, failed, skipped, remarks };
}
