// npm start: one real question in the terminal, with what became of it, then the editor with the extension on a sample
// workspace.
import { execFile } from "node:child_process";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { usualHubs } from "../src/backends/embedded/weights.ts";
import { type StartedServer, startServer } from "../test/harness/servers.ts";
import { ensureEditorHost } from "./editor-host.ts";
import { cachedHome, cacheFolder, smallModel } from "./folders.ts";
import { ensureSmallModel } from "./model.ts";
import { makePackage, thisTarget } from "./package.ts";
import { mustRun, root, run } from "./run.ts";

const { values } = parseArgs({ options: { "no-editor": { type: "boolean", default: false } } });
const sample = join(root, "test", "fixtures", "sample-workspace");
/** The least that finds something in a review. */
const reviewer = "qwen2.5:1.5b";

const heading = (text: string) => console.log(`\n== ${text}`);

heading("Building");
await mustRun("node", ["esbuild.mjs"]);
const env = { SWITCHYARD_HOME: await homeWithModel() };
const switchyard = (...args: readonly string[]) => mustRun("node", ["dist/cli.js", ...args], { env });

const question = "Review this function: does the loop end where it should?";
heading(`What kind of task is “${question}”, and why?`);
await switchyard("classify", question);
heading("Reviewing a sample file");
await switchyard("review", join(sample, "average.ts"));
if (env.SWITCHYARD_HOME === cachedHome)
  console.log(
    `${smallModel} is among the smallest models there are: it shows the way of an answer, and is no reviewer.`,
  );
heading("What has left this machine for it?");
await switchyard("ledger");
if (values["no-editor"]) process.exit(0);

const desktop = await hasDesktopCode();
if (desktop) await openDesktop();
else await openInBrowser();

/** Of a model that is served here already, or can be got; else of the smallest one. */
async function homeWithModel(): Promise<string> {
  const home = join(cacheFolder, "start", "home");
  await mkdir(home, { recursive: true });
  if (await isServed(home)) return home;
  if (await isAnyReachable()) {
    heading(`Getting a model (${reviewer}, 1 GB); it is kept in ${cacheFolder}`);
    const pulled = await run("node", ["dist/cli.js", "models", "pull", reviewer], {
      env: { SWITCHYARD_HOME: home },
      limitMs: 60 * 60_000,
    });
    if (pulled === 0) return home;
  }
  heading(`Getting a small model (${smallModel}), since ${reviewer} cannot be had`);
  if (await ensureSmallModel()) return cachedHome;
  console.error(
    "No source of model weights can be reached. Connect to a network, or name where files lie: SWITCHYARD_WEIGHT_SOURCES=file:///path/to/{file}",
  );
  process.exit(1);
}

/** Whether a model answers: one that was got before, or one of a server of the person's own. */
async function isServed(home: string): Promise<boolean> {
  const env = { ...process.env, SWITCHYARD_HOME: home };
  const { stdout } = await promisify(execFile)("node", ["dist/cli.js", "models", "--json"], { cwd: root, env });
  const { installed } = JSON.parse(stdout) as {
    readonly installed: readonly { readonly capabilities: readonly string[] }[];
  };
  return installed.some(({ capabilities }) => capabilities.length === 0 || capabilities.includes("completion"));
}

/** Where sources are named it is found out by asking them. */
async function isAnyReachable(): Promise<boolean> {
  if (process.env["SWITCHYARD_WEIGHT_SOURCES"]) return true;
  const answers = usualHubs.map((hub) =>
    fetch(new URL(hub).origin, { method: "HEAD", signal: AbortSignal.timeout(5_000) }),
  );
  return Promise.any(answers).then(
    () => true,
    () => false,
  );
}

async function hasDesktopCode(): Promise<boolean> {
  if (process.platform === "linux" && !process.env["DISPLAY"] && !process.env["WAYLAND_DISPLAY"]) return false;
  return (await run("code", ["--version"], { isQuiet: true, limitMs: 15_000 })) === 0;
}

/** A window of its own, so that nothing is installed into the person's editor. */
async function openDesktop(): Promise<void> {
  heading("Opening VS Code");
  const workspace = await copySample();
  await mustRun("code", ["--new-window", `--extensionDevelopmentPath=${root}`, workspace], { env });
}

async function openInBrowser(): Promise<void> {
  heading("Opening the editor");
  const { entry } = await ensureEditorHost();
  const folder = join(cacheFolder, "start");
  const own = ["--user-data-dir", join(folder, "user"), "--extensions-dir", join(folder, "extensions")];
  const workspace = await copySample();
  // Quiet: the editor complains of native parts it can do without.
  await mustRun("node", [entry, ...own, "--install-extension", await makePackage(thisTarget), "--force"], {
    isQuiet: true,
  });
  const server = await startServer(
    entry,
    (port) => [
      ...["--auth", "none", "--bind-addr", `127.0.0.1:${port}`],
      ...["--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"],
      ...own,
      workspace,
    ],
    /HTTP server listening/,
    env,
  );
  stopWithUs(server);
  heading("Ready");
  console.log(`Open http://127.0.0.1:${server.port}/ in a browser. It can be reached from this machine only.`);
  console.log("Select code, right click, and choose “Review Selection or File”. Ctrl-C stops the editor.");
}

async function copySample(): Promise<string> {
  const workspace = join(cacheFolder, "start", "sample-workspace");
  await mkdir(workspace, { recursive: true });
  await cp(sample, workspace, { recursive: true, force: false });
  return workspace;
}

function stopWithUs(server: StartedServer): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.removeAllListeners(signal);
    process.on(signal, async () => {
      console.log("\nStopping …");
      await server.stop();
      process.exit(0);
    });
  }
}
