// npm start: one real review in the terminal, then the editor with the extension on a sample workspace.
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type StartedServer, startServer } from "../test/harness/servers.ts";
import { ensureEditorHost } from "./editor-host.ts";
import { cachedHome, cacheFolder, smallModel } from "./folders.ts";
import { ensureSmallModel } from "./model.ts";
import { makePackage, thisTarget } from "./package.ts";
import { mustRun, root, run } from "./run.ts";

const { values } = parseArgs({ options: { "no-editor": { type: "boolean", default: false } } });
const sample = join(root, "test", "fixtures", "sample-workspace");
const env = { SWITCHYARD_HOME: cachedHome };

const heading = (text: string) => console.log(`\n== ${text}`);

heading("Building");
await mustRun("node", ["esbuild.mjs"]);

heading(`Getting a small model (${smallModel}); it is kept in ${cacheFolder}`);
if (!(await ensureSmallModel())) {
  console.error(
    "No source of model weights can be reached. Connect to a network, or name where files lie: SWITCHYARD_WEIGHT_SOURCES=file:///path/to/{file}",
  );
  process.exit(1);
}

heading("Reviewing a sample file with it");
await mustRun("node", ["dist/cli.js", "review", join(sample, "average.ts")], { env });
if (values["no-editor"]) process.exit(0);

const desktop = await hasDesktopCode();
if (desktop) await openDesktop();
else await openInBrowser();

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
