// Every command of the extension, as a table.
import * as vscode from "vscode";
import { msg } from "../core/message.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { showAdvice } from "./advice.ts";
import { removeClaudeKey, setClaudeKey } from "./claude-key.ts";
import { lookForModel, setContextKey } from "./context-keys.ts";
import { commentChange, type DocumentedSymbol, symbolsAtCursors } from "./document-symbol.ts";
import { gatherAttachments } from "./gather-attachments.ts";
import { gatherSources } from "./gather-sources.ts";
import { getModel } from "./get-model.ts";
import type { Host } from "./host.ts";
import { inform } from "./inform.ts";
import {
  cancelDownload,
  deleteModel,
  loadModel,
  nameIn,
  pauseDownload,
  testModel,
  unloadModel,
} from "./model-actions.ts";
import { pickModel } from "./model-picker.ts";
import { exportLedgerFile, forgetEverything, toggleOffline } from "./privacy-commands.ts";
import { review, reviewChanges } from "./review-commands.ts";
import { copyApiAddress, copyApiToken, startApi, stopApi } from "./service-commands.ts";
import {
  openService,
  removeServices,
  runDoctor,
  startOrStopService,
  startServices,
  startServicesAs,
  stopServices,
  updateOllama,
} from "./services-commands.ts";
import { exportSession, findSession } from "./session-commands.ts";
import { titled } from "./task-title.ts";
import { translateDocuments } from "./translate-documents.ts";
import { whichModel } from "./which-model.ts";

type Command = (host: Host, ...args: unknown[]) => unknown;

export const commands: Readonly<Record<`switchyard.${string}`, Command>> = {
  "switchyard.reviewSelection": async (host, ...given) => review(host, await gatherSources("selection-or-file", given)),
  "switchyard.reviewChanges": (host, ...given) => reviewChanges(host, given),
  "switchyard.explainSelection": async (host, ...given) => {
    const sources = await gatherSources("selection-or-file", given);
    return host.ask({ title: titled(vscode.l10n.t("Explain"), sources), ask: { kind: "explain", text: "", sources } });
  },
  "switchyard.translateSelection": (host) => translateSelection(host),
  "switchyard.translateDocument": async (host, ...given) => {
    const sources = await gatherSources("file", given);
    await host.translations.translate(sources.map((source) => ({ source })));
  },
  "switchyard.translateDocuments": async (host, ...given) => translateDocuments(await host.app.get(), host.log, given),
  "switchyard.documentSymbol": (host) => documentSymbols(host),
  "switchyard.startChat": (host, given) => startChat(host, given),
  "switchyard.attachSelection": async (host, ...given) => {
    host.chat.attach(await gatherAttachments(given));
    await host.chat.reveal();
  },
  "switchyard.whichModel": async (host) => {
    const sources = await gatherSources("selection-or-file").catch((): readonly Source[] => []);
    return whichModel(await host.app.get(), sources);
  },
  "switchyard.pickModel": async (host) => pickModel(await host.app.get()),
  "switchyard.getModel": async (host, name) =>
    getModel(await host.app.get(), host.downloadTray, typeof name === "string" ? name : undefined),
  "switchyard.openMonitor": () => vscode.commands.executeCommand("switchyard.monitor.focus"),
  "switchyard.newSession": async (host) => {
    await host.keeper.start();
    await host.chat.refresh();
    await host.chat.reveal();
  },
  "switchyard.findSession": async (host) => {
    const id = await findSession(await host.app.get(), host.keeper);
    if (id === undefined) return;
    await host.keeper.open(id);
    await host.chat.refresh();
    await host.chat.reveal();
  },
  "switchyard.exportSession": (host) => exportSession(host.keeper),
  "switchyard.stopAll": (host) => {
    host.conversation.stopAll();
    host.translations.stopAll();
  },
  "switchyard.openSettings": (_host, key) => openSettings(typeof key === "string" ? key : undefined),
  "switchyard.openWalkthrough": async (host) => {
    await vscode.commands.executeCommand("workbench.action.openWalkthrough", "switchyard.switchyard#start");
    // The editor does not see what was true already when it first read the steps.
    setContextKey("walkthroughOpened", true);
    await lookForModel(await host.app.get());
  },
  "switchyard.showLog": (host) => host.log.show(),
  "switchyard.toggleOffline": () => toggleOffline(),
  "switchyard.setClaudeKey": (host) => setClaudeKey(host.secrets, host.app.get),
  "switchyard.removeClaudeKey": (host) => removeClaudeKey(host.secrets),
  "switchyard.revokeCloudConsent": async (host) => {
    await host.leaveDialog.revoke();
    inform(vscode.l10n.t("You are asked again before anything is sent."));
  },
  "switchyard.showLedger": (host) => host.ledgerView.show(),
  "switchyard.exportLedger": async (host) => exportLedgerFile(await host.app.get()),
  "switchyard.forgetEverything": async (host) => {
    host.conversation.stopAll();
    if (!(await forgetEverything(await host.app.get()))) return;
    await host.translations.forget();
    await host.keeper.forget();
    await host.chat.refresh();
  },
  "switchyard.startServices": async (host) => startServices(await host.app.get(), host.servicesView),
  "switchyard.startServicesAs": async (host) => startServicesAs(await host.app.get(), host.servicesView),
  "switchyard.updateOllama": async (host) => updateOllama(await host.app.get(), host.servicesView),
  "switchyard.stopServices": async (host) => stopServices(await host.app.get(), host.servicesView),
  "switchyard.removeServices": async (host) => removeServices(await host.app.get(), host.servicesView),
  "switchyard.startService": async (host, node) =>
    startOrStopService(await host.app.get(), host.servicesView, node, "start"),
  "switchyard.stopService": async (host, node) =>
    startOrStopService(await host.app.get(), host.servicesView, node, "stop"),
  "switchyard.restartService": async (host, node) =>
    startOrStopService(await host.app.get(), host.servicesView, node, "restart"),
  "switchyard.openService": async (host, node) => openService(await host.app.get(), node),
  "switchyard.loadModel": async (host, node) => loadModel(await host.app.get(), host.servicesView, node),
  "switchyard.unloadModel": async (host, node) => unloadModel(await host.app.get(), host.servicesView, node),
  "switchyard.testModel": async (host, node) => {
    await testModel(await host.app.get(), host.servicesView, node);
    host.modelTested.fire();
  },
  "switchyard.deleteModel": async (host, node) => deleteModel(await host.app.get(), host.servicesView, node),
  "switchyard.pauseDownload": async (host, node) => pauseDownload(await host.app.get(), host.servicesView, node),
  "switchyard.resumeDownload": async (host, node) => {
    const model = nameIn(node);
    if (model) void host.downloadTray.show(await host.app.get(), model);
  },
  "switchyard.cancelDownload": async (host, node) => cancelDownload(await host.app.get(), host.servicesView, node),
  "switchyard.showServiceLog": async (host, node) => host.serviceLogs.show(await host.app.get(), node),
  "switchyard.startApi": (host) => startApi(host.sharedService),
  "switchyard.stopApi": (host) => stopApi(host.sharedService),
  "switchyard.copyApiAddress": (host) => copyApiAddress(host.sharedService),
  "switchyard.copyApiToken": (host) => copyApiToken(host.sharedService),
  "switchyard.connectClient": (host, id) => host.clientSetup.connect(id),
  "switchyard.disconnectClient": (host, id) => host.clientSetup.disconnect(id),
  "switchyard.runDoctor": async (host) => runDoctor(await host.app.get(), host.servicesView),
  "switchyard.showAdvice": async (host) => showAdvice(await host.app.get(), host.downloadTray),
  "switchyard.refreshServices": (host) => {
    host.servicesView.refresh();
    return host.chat.tellModels();
  },
  "switchyard.nextFinding": (host) => host.findings.go(1),
  "switchyard.previousFinding": (host) => host.findings.go(-1),
  "switchyard.clearFindings": (host) => host.findings.clear(),
  "switchyard.applyFinding": (host, target) => host.findings.apply(target),
  "switchyard.dismissFinding": (host, target) => host.findings.dismiss(target),
  "switchyard.discussFinding": (host, target) => discussFinding(host, target),
  "switchyard.saveTranslation": (host, uri) => host.translations.save(uri),
  "switchyard.replaceWithTranslation": (host, uri) => host.translations.replace(uri),
  "switchyard.stopTranslation": (host, uri) => host.translations.stop(uri),
  "switchyard.retranslate": (host, uri) => host.translations.again(uri),
  "switchyard.aboutTranslation": (host, uri) => host.translations.about(uri),
  "switchyard.acceptProposal": (host, uri) => host.proposals.accept(uri),
  "switchyard.rejectProposal": (host, uri) => host.proposals.reject(uri),
};

/** The one place where a command's failure is shown. */
export function registerCommands(host: Host): readonly vscode.Disposable[] {
  return Object.entries(commands).map(([id, command]) =>
    vscode.commands.registerCommand(id, async (...args: unknown[]) => {
      try {
        await command(host, ...args);
      } catch (error) {
        host.reportError(error);
      }
    }),
  );
}

/** In a remote window the settings of its machine are not among those of the user: the page that has all of them is shown. */
function openSettings(key: string | undefined): Thenable<unknown> {
  const isRemote = vscode.env.remoteName !== undefined;
  // A word alone finds settings of others that speak of it, too.
  const query = key === undefined ? "@ext:switchyard.switchyard" : `@id:switchyard.${key}`;
  return vscode.commands.executeCommand(`workbench.action.open${isRemote ? "Remote" : ""}Settings`, { query });
}

async function translateSelection(host: Host): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const sources = await gatherSources("selection");
  const ranges = (editor?.selections ?? [])
    .filter((selection) => !selection.isEmpty)
    .sort((a, b) => a.start.compareTo(b.start));
  await host.translations.translate(
    sources.map((source, at) => ({ source, ...(ranges[at] ? { range: ranges[at] } : {}) })),
  );
}

/** One answer for each cursor; what they hold is one change. */
async function documentSymbols(host: Host): Promise<void> {
  const symbols = await symbolsAtCursors();
  const answers: { readonly symbol: DocumentedSymbol; readonly answer: string }[] = [];
  for (const symbol of symbols) {
    const exchange = await host.ask({
      title: vscode.l10n.t("Write documentation for {0}", symbol.name),
      ask: { kind: "document", text: "", sources: [symbol.source] },
    });
    if (exchange.state !== "done") break;
    answers.push({ symbol, answer: exchange.answer });
  }
  const [first] = answers;
  if (!first) return;
  const written = answers.filter(({ symbol, answer }) => commentChange(answer, symbol));
  if (written.length === 0) {
    inform(vscode.l10n.t("The answer holds no comment that could be inserted; it stands in the chat."));
    return;
  }
  const insert = vscode.l10n.t("Show as Change");
  const names = written.map(({ symbol }) => symbol.name).join(", ");
  const text = vscode.l10n.t("The documentation for {0} is written.", names);
  if ((await vscode.window.showInformationMessage(text, insert)) !== insert) return;
  // Only now: meanwhile the file may have been edited.
  const changes = written
    .map(({ symbol, answer }) => commentChange(answer, symbol))
    .filter((each) => each !== undefined);
  if (changes.length < written.length) {
    throw new TaskError("bad-input", msg("The code this answer is about has changed or is gone; ask again."));
  }
  await host.proposals.propose(first.symbol.document, changes);
}

/** @param given `{ text, sources? }` asks at once; nothing opens the view alone */
async function startChat(host: Host, given: unknown): Promise<void> {
  const text =
    typeof given === "object" && given !== null && "text" in given && typeof given.text === "string" ? given.text : "";
  if (text.trim() === "") return host.chat.reveal();
  const sources = typeof given === "object" && given !== null && "sources" in given ? given.sources : [];
  await host.ask({ title: text, ask: { text, sources: Array.isArray(sources) ? sources.filter(isSource) : [] } });
}

function isSource(value: unknown): value is Source {
  return typeof value === "object" && value !== null && "uri" in value && "text" in value && "label" in value;
}

async function discussFinding(host: Host, target: unknown): Promise<void> {
  const tracked = host.findings.find(target);
  if (!tracked) throw new TaskError("bad-input", msg("This finding is gone; review the file again."));
  const { finding } = tracked;
  const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(finding.uri));
  const around = new vscode.Range(Math.max(0, tracked.startLine - 10), 0, tracked.endLine + 11, 0);
  const range = document.validateRange(around);
  host.chat.attach([
    {
      uri: finding.uri,
      label: vscode.workspace.asRelativePath(document.uri),
      text: document.getText(range),
      languageId: document.languageId,
      startLine: range.start.line + 1,
      origin: "selection",
    },
  ]);
  await host.chat.reveal(vscode.l10n.t("About “{0}”: ", finding.title));
}
