// What can be done with one model or download of the Services view.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import type { InstalledModel } from "../core/backend.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { placeName, serverName, toolTestResult } from "../core/names.ts";
import { signalOf } from "./cancellation.ts";
import { inform } from "./inform.ts";
import { say } from "./say.ts";
import type { ServicesView } from "./services-view.ts";

/** @param node of the view, or a name */
export async function loadModel(app: App, view: ServicesView, node: unknown): Promise<void> {
  const name = nameIn(node);
  if (!name) return;
  await load(app, name);
  view.refresh();
}

/** What finds no memory now makes the whole machine slow: that is asked about, with the numbers. */
export async function load(app: App, name: string): Promise<void> {
  const fit = await app.fit(name, new AbortController().signal).catch(() => undefined);
  if (fit?.verdict === "not-now" || fit?.verdict === "too-large") {
    const anyway = vscode.l10n.t("Load It Anyway");
    const detail = [say(fit.says), "", ...fit.lines.map(say)].join("\n");
    const question = vscode.l10n.t("Load {0}?", name);
    if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, anyway)) !== anyway) return;
  }
  const title = vscode.l10n.t("Loading {0}…", name);
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  await vscode.window.withProgress(options, (_, token) => app.load({ model: name }, signalOf(token)));
}

export async function unloadModel(app: App, view: ServicesView, node: unknown): Promise<void> {
  const name = nameIn(node);
  if (!name) return;
  await app.unload(name, new AbortController().signal);
  view.refresh();
}

/** @param node of the view, or a name */
export async function testModel(app: App, view: ServicesView, node: unknown): Promise<void> {
  const name = nameIn(node);
  if (!name) return;
  const title = vscode.l10n.t("Testing whether {0} calls a tool…", name);
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  const tests = await vscode.window.withProgress(options, (_, token) => app.testTools(name, signalOf(token)));
  view.refresh();
  for (const test of tests) {
    const text = say(toolTestResult(test));
    if (test.calls === "no") inform(text, vscode.window.showWarningMessage);
    else inform(text);
  }
}

export async function deleteModel(app: App, view: ServicesView, node: unknown): Promise<void> {
  const name = nameIn(node);
  if (!name) return;
  const isNode = typeof node === "object" && node !== null && "model" in node;
  await removeModel(app, name, isNode ? textAt(node.model, "backend") : undefined);
  view.refresh();
}

/** Asks whether, and where several servers have it, from which. @param server what was chosen before */
export async function removeModel(app: App, name: string, server?: string): Promise<void> {
  const { signal } = new AbortController();
  const places = (await app.models(signal)).filter((each) => each.name === name && each.place !== "cloud");
  const given = server === undefined ? places : places.filter(({ backend }) => backend === server);
  const chosen = given.length > 1 ? await chooseServers(name, given) : given;
  const [first] = chosen;
  if (!first) return;
  const yes = vscode.l10n.t("Delete");
  const where = chosen.map(({ backend }) => say(serverName(backend))).join(", ");
  const question =
    places.length === 1 && first.place === "this-machine"
      ? vscode.l10n.t("Delete {0} from this machine? It can be downloaded again.", name)
      : vscode.l10n.t("Delete {0} from {1}? It can be downloaded again.", name, where);
  const detail = chosen.length > 1 ? "" : vscode.l10n.t("{0} become free.", formatBytes(first.sizeBytes));
  if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) !== yes) return;
  await app.delete({ model: name, from: chosen.map(({ backend }) => backend) }, signal);
}

/** None is chosen beforehand: what is deleted is gone. */
async function chooseServers(name: string, places: readonly InstalledModel[]): Promise<readonly InstalledModel[]> {
  const items = places.map((model) => ({
    model,
    label: say(serverName(model.backend)),
    description: `${formatBytes(model.sizeBytes)} · ${say(placeName(model.place))}`,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Delete {0} from which servers?", name),
    canPickMany: true,
  });
  return (picked ?? []).map(({ model }) => model);
}

export async function pauseDownload(app: App, view: ServicesView, node: unknown): Promise<void> {
  const name = nameIn(node);
  if (name) await app.downloads.pause(name);
  view.refresh();
}

export async function cancelDownload(app: App, view: ServicesView, node: unknown): Promise<void> {
  const name = nameIn(node);
  if (name) await app.downloads.cancel(name, new AbortController().signal);
  view.refresh();
}

export function nameIn(node: unknown): string | undefined {
  if (typeof node === "string") return node;
  if (typeof node !== "object" || node === null) return undefined;
  if ("download" in node) return textAt(node.download, "model");
  return "model" in node ? textAt(node.model, "name") : undefined;
}

function textAt(of: unknown, key: string): string | undefined {
  const value: unknown = typeof of === "object" && of !== null ? Reflect.get(of, key) : undefined;
  return typeof value === "string" ? value : undefined;
}
