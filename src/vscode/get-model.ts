// Fetching a model: which, and will it fit; then the download tray shows how it comes.
import * as vscode from "vscode";
import type { App, OfferedModel } from "../core/app.ts";
import { rolesOf } from "../core/catalogue.ts";
import type { Fit } from "../core/fit.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { roleName, serverName } from "../core/names.ts";
import { lookForModel } from "./context-keys.ts";
import type { DownloadTray } from "./download-tray.ts";
import { say } from "./say.ts";

interface OfferItem extends vscode.QuickPickItem {
  readonly offer?: OfferedModel;
}

/** @param wanted tag to fetch without asking which */
export async function getModel(app: App, tray: DownloadTray, wanted?: string): Promise<void> {
  // Nothing is offered where nobody could get it: why, and what would help, is told instead.
  await app.whoGets(new AbortController().signal);
  // Who has one already sees the step of the walkthrough done.
  void lookForModel(app);
  const name = wanted ?? (await chooseOffer(app));
  if (!name) return;
  const fit = await app.fit(name, new AbortController().signal).catch(() => undefined);
  if (fit && !(await isWanted(name, fit))) return;
  await tray.show(app, name);
}

/** What fits is not asked about; what does not is shown with the arithmetic. */
async function isWanted(name: string, fit: Fit): Promise<boolean> {
  if (["fits", "unknown", "not-now"].includes(fit.verdict)) return true;
  const anyway = vscode.l10n.t("Get It Anyway");
  const detail = [say(fit.says), "", ...fit.lines.map(say)].join("\n");
  const question = vscode.l10n.t("Get {0}?", name);
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, anyway)) === anyway;
}

async function chooseOffer(app: App): Promise<string | undefined> {
  const { signal } = new AbortController();
  const offers = await app.offers(signal);
  const fits = await Promise.all(offers.map(({ name }) => app.fit(name, signal).catch(() => undefined)));
  const other: OfferItem = { label: `$(edit) ${vscode.l10n.t("Another model, by its name…")}`, alwaysShow: true };
  const items: OfferItem[] = [
    ...offers.map((offer, index) => offerItem(offer, fits[index], purposeOf(offer.name, app))),
    { label: "", kind: vscode.QuickPickItemKind.Separator },
    other,
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Get a model"),
    placeHolder: vscode.l10n.t("The first one suits this machine best"),
    matchOnDescription: true,
  });
  if (!picked) return undefined;
  return picked.offer ? picked.offer.name : askName();
}

function purposeOf(name: string, app: App): string {
  const wantedFor = rolesOf(name, app.settings().modelProfile).map((role) => say(roleName(role)));
  return wantedFor.length > 0 ? wantedFor.join(", ") : vscode.l10n.t("for a first try");
}

function offerItem(offer: OfferedModel, fit: Fit | undefined, purpose: string): OfferItem {
  const isFitting = fit ? ["fits", "not-now"].includes(fit.verdict) : offer.fits;
  const icon = fit?.verdict === "slow" ? "warning" : isFitting ? "pass" : "circle-slash";
  return {
    offer,
    label: `$(${icon}) ${offer.name}`,
    description: [formatBytes(offer.sizeBytes), purpose, say(serverName(offer.backend))].join(" · "),
    detail: fit ? `${say(fit.says)} ${fit.lines.slice(0, 3).map(say).join(" · ")}` : "",
  };
}

async function askName(): Promise<string | undefined> {
  const named = await vscode.window.showInputBox({
    title: vscode.l10n.t("Name of the model"),
    placeHolder: "qwen3.5:9b",
    validateInput: (value) =>
      /^[\w./-]+(:[\w.-]+)?$/.test(value.trim()) ? undefined : vscode.l10n.t("A name looks like qwen3.5:9b"),
  });
  return named?.trim();
}
