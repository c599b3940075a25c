// The command line itself: reads what is asked, and says how it ended.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorText } from "../core/addresses.ts";
import type { App, AppOptions } from "../core/app.ts";
import type { Settings } from "../core/settings.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { defaultHome } from "../home.ts";
import { editorSettingsFile } from "../service/editor-settings.ts";
import { readWindows } from "../service/open-windows.ts";
import { exitCodeOf, tellFailure } from "./failure.ts";
import type { Flags } from "./flags.ts";
import { folderProblem } from "./folder-problem.ts";
import { leaveRule } from "./privacy-commands.ts";
import { createProgram } from "./program.ts";
import { readServiceSettings, readSettings, type SettingsFiles } from "./read-settings.ts";
import { isFull, systemErrorText, unwritable } from "./system-error.ts";
import { createTerminal } from "./terminal.ts";

const stop = new AbortController();
let interrupts = 0;
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    if (++interrupts > 1) process.exit(130);
    stop.abort();
  });
}
// A reader that leaves early, such as `head`, is no failure; what was begun is ended, and its end written down.
let hasLeft = false;
// A full disk is one: what was to be kept there is not.
let isUnwritten = false;
process.stdout.on("error", (error) => {
  if (isReaderGone(error)) hasLeft = true;
  else if (!isUnwritten) {
    isUnwritten = true;
    process.exitCode = 1;
    terminal.complain(`switchyard: ${terminal.t("What was to be printed could not be written: {0}", error.message)}`);
  }
  stop.abort();
});
process.stderr.on("error", () => undefined);

const terminal = createTerminal(process.env, process.argv.includes("--quiet"));
const home = defaultHome(process.env, process.platform, homedir());
const windows = readWindows(home);
const apps: App[] = [];
const logged = new Set<string>();
const program = createProgram({
  terminal,
  version: JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")).version,
  signal: stop.signal,
  configFile: join(home, "config.json"),
  home,
  entry: process.argv[1] ?? "",
  serviceSettings,
  serviceFiles: (flags) => {
    const { file, editorFile } = settingsFiles(flags);
    return [file, editorFile];
  },
  openApp: (flags) =>
    open(
      { ...readSettings(settingsFiles(flags), process.env), ...strict(flags) },
      {
        askedBy: "shell",
        mayLeave: leaveRule(flags, terminal),
        // Whether all is to be offline the person says here; what a workspace keeps here it keeps from the shell as well.
        windows: () => windows().map((each) => ({ ...each, offline: false })),
        workingFolder: process.cwd(),
        claudeKey: async () => process.env["ANTHROPIC_API_KEY"] || undefined,
      },
    ),
  windows,
  openService: (askedBy, flags) => open(serviceSettings(flags), { askedBy, windows }),
});

function settingsFiles({ config }: Flags): SettingsFiles {
  const editorFile = editorSettingsFile(home);
  return { file: config ?? join(home, "config.json"), isNamed: config !== undefined, editorFile };
}

function serviceSettings(flags: Flags): Settings {
  return { ...readServiceSettings(settingsFiles(flags), process.env), ...strict(flags) };
}

/** Not every command asks a model: what does is loaded for those that do. */
async function open(
  settings: Settings,
  door: Pick<AppOptions, "askedBy" | "mayLeave" | "claudeKey" | "windows" | "workingFolder">,
): Promise<App> {
  const { createApp } = await import("../app.ts");
  const app = createApp({
    settings,
    folders: { home, engineEntry: engineEntry(), packageRoot: packageRoot() },
    log: (level, text) => {
      const isTold = level === "warn" || level === "error" || process.env["SWITCHYARD_LOG"];
      // What fails once fails for every answer.
      if (isTold && !logged.has(text)) terminal.complain(text);
      logged.add(text);
    },
    notice: (text) => terminal.note(terminal.say(text)),
    interfaceLanguage: terminal.language,
    ...door,
  });
  apps.push(app);
  return app;
}

try {
  program.hook("preAction", checkHome);
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
} finally {
  // What comes after this program begins in a row of its own.
  terminal.progress("");
  await Promise.all(apps.map((app) => app.dispose()));
}

/** Says what went wrong, and maps it to an exit code: 130 is cancelled, 0 where the reader has left. */
function report(error: unknown): number {
  if (isUnwritten) return 1;
  if (hasLeft) return 0;
  if (isAbort(error) || stop.signal.aborted) return 130;
  if (!(error instanceof TaskError)) {
    const known = systemErrorText(error, home);
    terminal.complain(known ? `switchyard: ${terminal.say(known)}` : errorText(error));
    return 1;
  }
  tellFailure(error, terminal);
  return exitCodeOf(error);
}

/** As Windows has it, a pipe without a reader is at its end. */
function isReaderGone(error: Error): boolean {
  return "code" in error && (error.code === "EPIPE" || error.code === "EOF");
}

/** @throws TaskError `storage` where what the person named is no place to keep anything */
function checkHome(): void {
  const code = process.env["SWITCHYARD_HOME"] ? folderProblem(home) : undefined;
  // What makes room on a full disk is to work there.
  if (code !== undefined && !isFull(code)) throw new TaskError("storage", unwritable(home, code));
}

/** A flag can make it stricter than the settings, never laxer. */
function strict(flags: Flags): { readonly offline?: true } {
  return flags.offline ? { offline: true } : {};
}

/** Bundled code lies in dist/ or dist/chunks/, source in src/cli/. */
function packageRoot(): string {
  const here = fileURLToPath(new URL(".", import.meta.url));
  return here.replace(/[\\/](?:dist(?:[\\/]chunks)?|src[\\/]cli)[\\/]?$/, "");
}

function engineEntry(): string {
  const isSource = import.meta.url.endsWith(".ts");
  return join(packageRoot(), isSource ? "src/backends/embedded/main.ts" : "dist/engine.js");
}
