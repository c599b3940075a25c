// The app is loaded on first use: activating the extension costs nothing of it.
import { homedir } from "node:os";
import * as vscode from "vscode";
import type { App, AppOptions } from "../core/app.ts";
import { withoutLinks } from "../core/hidden-characters.ts";
import { defaultSettings, parseSettings, type Settings } from "../core/settings.ts";
import { TaskError } from "../core/task-error.ts";
import { isProtecting, strictest } from "../core/workspace-rules.ts";
import { inform } from "./inform.ts";
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
  door: Pick<AppOptions, "askedBy" | "mayLeave" | "claudeKey" | "staysHere">,
): LazyApp {
  let app: App | undefined;
  let loading: Promise<App> | undefined;

  async function load(): Promise<App> {
    const [{ createApp }, { defaultHome }] = await Promise.all([import("../app.ts"), import("../home.ts")]);
    app = createApp({
      settings: readSettings(),
      folders: {
        home: defaultHome(process.env, process.platform, homedir()),
        engineEntry: vscode.Uri.joinPath(context.extensionUri, "dist", "engine.js").fsPath,
      },
      log: (level, text) => log[level](text),
      interfaceLanguage: /^zh/i.test(vscode.env.language) ? "zh-CN" : "en",
      ...door,
      notice: (text) => inform(withoutLinks(say(text))),
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

/** A value that cannot be used is shown once and replaced by its default; the others stand. */
function readSettings(): Settings {
  const configuration = vscode.workspace.getConfiguration("switchyard");
  let settings: Settings = defaultSettings;
  for (const key of Object.keys(defaultSettings)) {
    const value = isProtecting(key) ? strictest(key, configuration.inspect(key)) : configuration.get(key);
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
