// Choosing models: for one question, or pinned for a kind of task.

import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import type { InstalledModel } from "../core/backend.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { modelPlaces } from "../core/model-places.ts";
import { kindName, placeName, serverName, toolTestName } from "../core/names.ts";
import { type TaskKind, taskKinds } from "../core/task.ts";
import { load, removeModel } from "./model-actions.ts";
import { say } from "./say.ts";

interface ModelItem extends vscode.QuickPickItem {
  readonly model?: InstalledModel;
  readonly run?: () => Promise<void>;
}

const unload: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("debug-disconnect"), tooltip: "" };

/** Shows the installed models. @returns undefined when the person left */
export async function chooseModel(app: App, title: string): Promise<InstalledModel | undefined> {
  const items = await withBusy(() => modelItems(app));
  if (items.length === 0) {
    await vscode.commands.executeCommand("switchyard.getModel");
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(items, { title, matchOnDescription: true, matchOnDetail: true });
  return picked?.model;
}

/** Pins a model for every kind, for one, or for none. */
export function pickModel(app: App): Promise<void> {
  return showModels(app, async () => choices(app, await modelItems(app)));
}

function choices(app: App, models: readonly ModelItem[]): readonly ModelItem[] {
  const pinned = app.settings().pinnedModels;
  const isAuto = Object.values(pinned).every((model) => !model || model === "auto");
  return [
    {
      label: `$(hubot) ${vscode.l10n.t("Auto")}`,
      description: isAuto ? vscode.l10n.t("in use") : "",
      detail: vscode.l10n.t("The best installed model for each kind of task"),
      run: () => writePins({}),
    },
    separator(vscode.l10n.t("Use for every task")),
    ...models.map((item): ModelItem => ({ ...item, run: () => pinAll(item.model) })),
    separator(vscode.l10n.t("Pin for a kind of task")),
    ...taskKinds.map(
      (kind): ModelItem => ({
        label: say(kindName(kind)),
        description: pinned[kind] && pinned[kind] !== "auto" ? pinned[kind] : vscode.l10n.t("Auto"),
        run: () => pinKind(app, kind),
      }),
    ),
    separator(""),
    {
      label: `$(cloud-download) ${vscode.l10n.t("Get a Model…")}`,
      run: async () => void (await vscode.commands.executeCommand("switchyard.getModel")),
    },
  ];
}

/**
 * A quick pick whose model rows have buttons to load, unload, test and delete; it is there before its rows are.
 * Ends with what was chosen, which is done once however often it is clicked.
 */
function showModels(app: App, find: () => Promise<readonly ModelItem[]>): Promise<void> {
  return new Promise((resolve, reject) => {
    const pick = vscode.window.createQuickPick<ModelItem>();
    let isChosen = false;
    const choose = (run: (() => Promise<void>) | undefined) => {
      if (isChosen || !run) return;
      isChosen = true;
      pick.hide();
      run().then(resolve, reject);
    };
    pick.title = vscode.l10n.t("Which model answers");
    pick.placeholder = vscode.l10n.t("Looking for models…");
    pick.busy = true;
    pick.matchOnDescription = true;
    pick.onDidAccept(() => choose(pick.selectedItems[0]?.run));
    pick.onDidTriggerItemButton(({ item: { model }, button }) =>
      choose(model && (() => manageModel(app, model, button))),
    );
    pick.onDidHide(() => {
      pick.dispose();
      if (!isChosen) resolve();
    });
    pick.show();
    find().then(
      (items) => {
        pick.items = items;
        pick.placeholder = "";
        pick.busy = false;
      },
      (error: unknown) => {
        reject(error);
        pick.hide();
      },
    );
  });
}

async function manageModel(app: App, { name }: InstalledModel, button: vscode.QuickInputButton): Promise<void> {
  const icon = button.iconPath instanceof vscode.ThemeIcon ? button.iconPath.id : "";
  const { signal } = new AbortController();
  if (icon === "trash") {
    await removeModel(app, name);
    return;
  }
  if (icon === "beaker") {
    await vscode.commands.executeCommand("switchyard.testModel", name);
    return;
  }
  if (icon === "play") return load(app, name);
  const title = vscode.l10n.t("Unloading {0}…", name);
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => app.unload(name, signal));
}

async function modelItems(app: App): Promise<readonly ModelItem[]> {
  const { signal } = new AbortController();
  const [models, loaded] = await Promise.all([app.models(signal), app.loaded(signal)]);
  return modelPlaces(models).map(({ model, servers }): ModelItem => {
    const isLoaded = loaded.some((each) => each.name === model.name && servers.includes(each.backend));
    const isOurs = model.place !== "cloud";
    return {
      model,
      label: `$(${!isOurs ? "cloud" : isLoaded ? "circle-filled" : "circle-outline"}) ${model.name}`,
      description: [
        model.sizeBytes > 0 ? formatBytes(model.sizeBytes) : undefined,
        model.contextTokens ? vscode.l10n.t("{0}k context", Math.round(model.contextTokens / 1024)) : undefined,
        isLoaded ? vscode.l10n.t("loaded") : undefined,
        say(placeName(model.place)),
      ]
        .filter(Boolean)
        .join(" · "),
      detail: [
        servers.map((server) => say(serverName(server))).join(", "),
        ...(isOurs ? [fitText(app, model)] : []),
        ...(model.toolTest ? [say(toolTestName(model.toolTest))] : []),
      ].join(" · "),
      // What is elsewhere is neither loaded nor deleted from here.
      buttons: isOurs ? buttonsOf(isLoaded) : [],
    };
  });
}

function fitText(app: App, model: InstalledModel): string {
  return app.fits(model) ? vscode.l10n.t("fits this machine") : vscode.l10n.t("may not fit this machine’s memory");
}

function buttonsOf(isLoaded: boolean): readonly vscode.QuickInputButton[] {
  return [
    isLoaded
      ? { ...unload, tooltip: vscode.l10n.t("Unload from memory") }
      : { iconPath: new vscode.ThemeIcon("play"), tooltip: vscode.l10n.t("Load into memory") },
    { iconPath: new vscode.ThemeIcon("beaker"), tooltip: vscode.l10n.t("Test whether it calls tools") },
    { iconPath: new vscode.ThemeIcon("trash"), tooltip: vscode.l10n.t("Delete from this machine") },
  ];
}

async function pinKind(app: App, kind: TaskKind): Promise<void> {
  const auto: ModelItem = { label: `$(hubot) ${vscode.l10n.t("Auto")}` };
  const title = vscode.l10n.t("Model for: {0}", say(kindName(kind)));
  // The list is there at once, and filled when the servers have told.
  const items = modelItems(app).then((found) => [auto, ...found]);
  const picked = await vscode.window.showQuickPick(items, { title });
  if (!picked) return;
  const { [kind]: _old, ...others } = app.settings().pinnedModels;
  await writePins(picked.model ? { ...others, [kind]: picked.model.name } : others);
}

function pinAll(model: InstalledModel | undefined): Promise<void> {
  return writePins(model ? Object.fromEntries(taskKinds.map((kind) => [kind, model.name])) : {});
}

async function writePins(pins: Readonly<Record<string, string>>): Promise<void> {
  const configuration = vscode.workspace.getConfiguration("switchyard");
  const inspected = configuration.inspect("pinnedModels");
  const target = inspected?.workspaceValue ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
  await configuration.update("pinnedModels", Object.keys(pins).length === 0 ? undefined : pins, target);
}

function separator(label: string): ModelItem {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}

function withBusy<Result>(work: () => Promise<Result>): Thenable<Result> {
  const title = vscode.l10n.t("Looking for models…");
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, work);
}
