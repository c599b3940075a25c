// Runs inside the extension host. Results go to a file: an editor that ended early would look like success.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Mocha from "mocha";

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", timeout: 120_000, color: false, reporter: "spec" });
  const folder = __dirname;
  for (const name of readdirSync(folder)) if (name.endsWith(".test.cjs")) mocha.addFile(join(folder, name));
  const counts = { passed: 0, failed: 0, skipped: 0, remarks: [] as string[] };
  await new Promise<void>((resolve) => {
    const runner = mocha.run(() => resolve());
    runner.on("pass", () => counts.passed++);
    runner.on("fail", (test, error) => {
      counts.failed++;
      counts.remarks.push(`${test.fullTitle()}: ${String(error).split("\n", 1)[0]}`);
    });
    runner.on("pending", () => counts.skipped++);
  });
  const file = process.env["SWITCHYARD_HOST_RESULTS"];
  if (file) writeFileSync(file, JSON.stringify(counts));
  if (counts.failed > 0 || counts.passed === 0) throw new Error(`${counts.failed} failed, ${counts.passed} passed`);
}
