// npm test: everything the tests need is got and started here, and stopped again. Ends with `N passed, N failed`.
import { agentNames, ensureAgent } from "./agents.ts";
import { ensureBrowser } from "./browser.ts";
import { runChecks, runContainerTests, runUnitTests, unitPatterns } from "./check.ts";
import { ensureStrace } from "./debian.ts";
import { ensureEditorHost } from "./editor-host.ts";
import { runHostTests, runUiTests } from "./editor-tests.ts";
import { testWeights } from "./folders.ts";
import { ensureHelm } from "./helm.ts";
import { ensureLlamaServer } from "./llama-server.ts";
import { ensureTestModel } from "./model.ts";
import { ensureRedis } from "./redis.ts";
import { run } from "./run.ts";
import { addCounts, type Counts } from "./vitest.ts";

let total: Counts = { passed: 0, failed: 0, skipped: 0 };

async function stage(name: string, work: () => Promise<Counts>): Promise<void> {
  const startMs = performance.now();
  console.log(`\n== ${name}`);
  const counts = await work().catch((error: unknown): Counts => {
    console.error(error);
    return { passed: 0, failed: 1, skipped: 0, remarks: [String(error)] };
  });
  console.log(
    `== ${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${((performance.now() - startMs) / 1000).toFixed(0)} s`,
  );
  const remarks = (counts.remarks ?? []).map((remark) => `${name}: ${remark}`);
  total = addCounts(total, {
    ...counts,
    remarks: remarks.length > 0 || counts.failed === 0 ? remarks : [`${name}: failed`],
  });
}

async function getModel(): Promise<Counts> {
  const weights = await ensureTestModel();
  if (weights === "real") return { passed: 1, failed: 0, skipped: 0 };
  console.log(
    "No source of model weights can be reached. The tests run on a generated model: the real engine, words without meaning. Tests of meaning are skipped, and this stage counts as one of them.",
  );
  return { passed: 0, failed: 0, skipped: 1 };
}

/** What a new user runs first, up to the editor. */
async function startOnce(): Promise<Counts> {
  if (testWeights() === "tiny") return { passed: 0, failed: 0, skipped: 1 };
  const code = await run("node", ["scripts/start.ts", "--no-editor"]);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

async function getOthers(): Promise<Counts> {
  const had = await Promise.all([...agentNames.map(ensureAgent), ensureLlamaServer()]);
  const passed = had.filter((is) => is).length;
  const skipped = had.length - passed;
  if (skipped > 0) console.log("What cannot be had from npm or pip here is not tested with, and counts as skipped.");
  return { passed, failed: 0, skipped };
}

// Those are loaded, the checks compute. The model is got with what was built.
await Promise.all([stage("checks and build", runChecks), stage("agents and llama.cpp’s server", getOthers)]);
await stage("the small model", getModel);
await stage("npm start, without the editor", startOnce);
const containers = stage("containers on a real Docker engine", runContainerTests);
// Those tests wait more than they compute. What they leave of the machine gets what later ones need; what cannot be had is
// said by the stage that wants it.
const coming = Promise.allSettled(
  [ensureHelm, ensureEditorHost, ensureBrowser, ensureRedis, ensureStrace].map((get) => get()),
);
await containers;
await coming;
await stage("unit tests", () => runUnitTests(unitPatterns, 45 * 60_000));
await stage("inside a real VS Code", runHostTests);
await stage("the packaged extension in a browser", runUiTests);
// The long print above is often cut where it is kept: what a reader wants of it stands at its end.
for (const remark of total.remarks ?? []) console.log(remark);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
