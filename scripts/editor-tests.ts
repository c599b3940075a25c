// The tests that need an editor: inside its extension host, and on the packaged extension in a browser.
import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { runTests } from "@vscode/test-electron";
import * as esbuild from "esbuild";
import { ensureInstalled } from "../test/harness/installed-extension.ts";
import { productHome } from "../test/harness/product-home.ts";
import { temporaryFolder } from "../test/harness/servers.ts";
import { ensureBrowser } from "./browser.ts";
import { ensureEditorHost } from "./editor-host.ts";
import { makePackage, thisTarget } from "./package.ts";
import { root } from "./run.ts";
import { addCounts, type Counts, runVitest } from "./vitest.ts";

const hostTests = join(root, "out", "host");

/** A desktop runs the VS Code that is downloaded for it; a machine without display the stand-in. */
const hasDisplay = process.platform !== "linux" || Boolean(process.env["DISPLAY"]);

export async function runHostTests(): Promise<Counts> {
  await bundleHostTests();
  await mkdir(join(root, "out", "screenshots"), { recursive: true });
  const home = await productHome();
  const [workspace, profile] = await Promise.all([temporaryFolder("workspace"), temporaryFolder("profile")]);
  const results = join(root, "out", "host-results.json");
  await rm(results, { force: true });
  await cp(join(root, "test", "fixtures", "sample-workspace"), workspace.path, { recursive: true });
  if (!hasDisplay) await Promise.all([ensureEditorHost(), ensureBrowser()]);
  const env = { SWITCHYARD_HOME: home.path, SWITCHYARD_HOST_RESULTS: results };
  try {
    // The stand-in starts the extension host as a child of its own: what it is to see has to be in our environment.
    Object.assign(process.env, env);
    await runTests({
      ...(hasDisplay ? {} : { vscodeExecutablePath: join(root, "test", "harness", "code-stand-in.ts") }),
      extensionDevelopmentPath: root,
      extensionTestsPath: join(hostTests, "run.cjs"),
      extensionTestsEnv: env,
      // A profile of its own: what an earlier run left open would be restored.
      launchArgs: [
        workspace.path,
        `--user-data-dir=${join(profile.path, "user")}`,
        `--extensions-dir=${join(profile.path, "extensions")}`,
      ],
    }).catch((error: unknown) => console.error(error instanceof Error ? error.message : error));
    return await readCounts(results);
  } finally {
    await Promise.all([workspace, profile, home].map((folder) => folder.remove()));
  }
}

async function bundleHostTests(): Promise<void> {
  const folder = join(root, "test", "host");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".ts"));
  await rm(hostTests, { recursive: true, force: true });
  await esbuild.build({
    entryPoints: files.map((name) => join(folder, name)),
    outdir: hostTests,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["vscode", "mocha"],
    sourcemap: "inline",
    logLevel: "warning",
  });
}

async function readCounts(file: string): Promise<Counts> {
  try {
    const counts: Counts = JSON.parse(await readFile(file, "utf8"));
    return counts.passed === 0 ? { ...counts, failed: counts.failed + 1 } : counts;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

export async function runUiTests(): Promise<Counts> {
  const [{ entry }, vsix] = await Promise.all([ensureEditorHost(), makePackage(thisTarget), ensureBrowser()]);
  await ensureInstalled(entry, vsix);
  process.env["SWITCHYARD_VSIX"] = vsix;
  // Each has an editor, a browser and a home of its own, and waits half of its time. Containers have the usual ports, where
  // the editors of the other files would find them.
  const apart = "test/ui/services.test";
  const others = await runVitest(["test/ui"], 30 * 60_000, ["--maxWorkers=2", `--exclude=${apart}*`]);
  return addCounts(others, await runVitest([apart], 10 * 60_000));
}

if (import.meta.main) {
  const only = process.argv[2];
  if (only !== "ui") console.log(await runHostTests());
  if (only !== "host") console.log(await runUiTests());
}
