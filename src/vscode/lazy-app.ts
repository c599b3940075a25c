// The app is loaded on first use: activating the extension costs nothing of it.
import { homedir } from "node:os";
import * as vscode from "vscode";
import type { App, AppOptions } from "../core/app.ts";
import { defaultSettings, parseSettings, type Settings } from "../core/settings.ts";
import { TaskError } from "../core/task-error.ts";
import { say } from "./say.ts";

export interface LazyApp {
  get(): Promise<App>;
  /** The app where it is loaded already; asking does not load it. */
  peek(): App | undefined;
  dispose(): Promise<void>;
}

/** @param door who asks, and who allows that something leaves */
export function createLazyApp(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
  door: Pick<AppOptions, "askedBy" | "mayLeave" | "claudeKey">,
): LazyApp {
  let app: App | undefined;
  let loading: Promise<App> | undefined;

  async function load(): Promise<App> {
    const { createApp, defaultHome } = await import("../app.ts");
    app = createApp({
      settings: readSettings(),
      folders: {
        home: defaultHome(process.env, process.platform, homedir()),
        engineEntry: vscode.Uri.joinPath(context.extensionUri, "dist", "engine.js").fsPath,
      },
      log: (level, text) => log[level](text),
      interfaceLanguage: /^zh/i.test(vscode.env.language) ? "zh-CN" : "en",
      ...door,
      notice: (text) => void vscode.window.showInformationMessage(say(text)),
    });
    return app;
  }

  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("switchyard")) app?.configure(readSettings());
    }),
  );
  return {
    get() {
      loading ??= load();
      return loading;
    },
    peek: () => app,
    dispose: async () => app?.dispose(),
  };
}

/** Rules of privacy: a workspace can add to the person's own, and take nothing away. */
const tightening: ReadonlySet<string> = new Set(["offline", "localOnly", "localOnlyPaths"]);

function strictest(found: ReturnType<vscode.WorkspaceConfiguration["inspect"]>): unknown {
  const own = found?.globalValue ?? found?.defaultValue;
  const given = [own, found?.workspaceValue, found?.workspaceFolderValue].filter((value) => value !== undefined);
  if (given.some(Array.isArray)) return [...new Set(given.flat())];
  return given.some((value) => value === true) || own;
}

/** A value that cannot be used is shown once and replaced by its default; the others stand. */
function readSettings(): Settings {
  const configuration = vscode.workspace.getConfiguration("switchyard");
  let settings: Settings = defaultSettings;
  for (const key of Object.keys(defaultSettings)) {
    const value = tightening.has(key) ? strictest(configuration.inspect(key)) : configuration.get(key);
    if (value === undefined) continue;
    try {
      const parsed = parseSettings({ [key]: value });
      settings = { ...settings, [key]: parsed[key as keyof Settings] };
    } catch (error) {
      if (!(error instanceof TaskError)) throw error;
      void vscode.window.showWarningMessage(say(error.text));
    }
  }
  return settings;
}
