// npm start: one real question in the terminal, with what became of it, then the editor with the extension on a sample
// workspace.
import { execFile } from "node:child_process";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { usualHubs } from "../src/backends/embedded/weights.ts";
import { createTerminal } from "../src/cli/terminal.ts";
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
/** Weights of about half a billion parameters; models below see nearly nothing of what is wrong. */
const reviewerBytes = 350e6;

const { t } = createTerminal(process.env, false);
const heading = (text: string) => console.log(`\n== ${text}`);

heading(t("Building"));
await mustRun("node", ["esbuild.mjs"]);
const env = { SWITCHYARD_HOME: await homeWithModel() };
const switchyard = (...args: readonly string[]) => mustRun("node", ["dist/cli.js", ...args], { env });

const question = t("Review this function: does the loop end where it should?");
heading(t("What kind of task is “{0}”, and why?", question));
await switchyard("classify", question);
const small = smallest(await servedModels(env.SWITCHYARD_HOME));
heading(small ? t("Explaining a sample file") : t("Reviewing a sample file"));
// A model may fail at a review, which says so and ends nothing here.
await run("node", ["dist/cli.js", small ? "explain" : "review", join(sample, "average.ts")], { env });
if (small)
  console.log(
    t("{0} is among the smallest models there are: it shows the way of an answer, and is no reviewer.", small.name),
  );
heading(t("What has left this machine for it?"));
await switchyard("ledger");
if (values["no-editor"]) process.exit(0);

const desktop = await hasDesktopCode();
if (desktop) await openDesktop();
else await openInBrowser();

/** Of a model that is served here already, or can be got; else of the smallest one. */
async function homeWithModel(): Promise<string> {
  const home = join(cacheFolder, "start", "home");
  await mkdir(home, { recursive: true });
  if ((await servedModels(home)).length > 0) return home;
  if (await isAnyReachable()) {
    heading(t("Getting a model ({0}, 1 GB); it is kept in {1}", reviewer, cacheFolder));
    const pulled = await run("node", ["dist/cli.js", "models", "pull", reviewer], {
      env: { SWITCHYARD_HOME: home },
      limitMs: 60 * 60_000,
    });
    if (pulled === 0) return home;
  }
  heading(t("Getting a small model ({0}), since {1} cannot be had", smallModel, reviewer));
  if (await ensureSmallModel()) return cachedHome;
  console.error(
    t(
      "No source of model weights can be reached. Connect to a network, or name where files lie: {0}",
      "SWITCHYARD_WEIGHT_SOURCES=file:///path/to/{file}",
    ),
  );
  process.exit(1);
}

interface ServedModel {
  readonly name: string;
  /** Zero where the server does not say it. */
  readonly sizeBytes: number;
  readonly capabilities: readonly string[];
}

/** The models that can answer: those got before, and those of a server of the person's own. */
async function servedModels(home: string): Promise<readonly ServedModel[]> {
  const env = { ...process.env, SWITCHYARD_HOME: home };
  const { stdout } = await promisify(execFile)("node", ["dist/cli.js", "models", "--json"], { cwd: root, env });
  const { installed } = JSON.parse(stdout) as { readonly installed: readonly ServedModel[] };
  return installed.filter(({ capabilities }) => capabilities.length === 0 || capabilities.includes("completion"));
}

/** One of them, where none is known to be larger than the smallest there are. */
function smallest(served: readonly ServedModel[]): ServedModel | undefined {
  return served.every(({ sizeBytes }) => sizeBytes > 0 && sizeBytes < reviewerBytes) ? served[0] : undefined;
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
  heading(t("Opening VS Code"));
  const workspace = await copySample();
  await mustRun("code", ["--new-window", `--extensionDevelopmentPath=${root}`, workspace], { env });
}

async function openInBrowser(): Promise<void> {
  heading(t("Opening the editor"));
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
  heading(t("Ready"));
  console.log(
    t("Open {0} in a browser. It can be reached from this machine only.", `http://127.0.0.1:${server.port}/`),
  );
  console.log(t("Select code, right click, and choose “Review Selection or File”. Ctrl-C stops the editor."));
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
      console.log(`\n${t("Stopping…")}`);
      await server.stop();
      process.exit(0);
    });
  }
}
