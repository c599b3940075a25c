// The parts of the extension, joined; commands get them from here.
import * as vscode from "vscode";
import { withoutCredentials } from "../core/addresses.ts";
import type { Exchange } from "../core/session.ts";
import { askedInNow } from "./asked-place.ts";
import { offerChatModels } from "./chat-models.ts";
import { registerChatParticipant } from "./chat-participant.ts";
import { ChatView } from "./chat-view.ts";
import { readClaudeKey } from "./claude-key.ts";
import { type ClientSetup, createClientSetup } from "./connect-client.ts";
import { lookForModel, noteAnswer, setContextKey } from "./context-keys.ts";
import { type Conversation, createConversation, type Question } from "./conversation.ts";
import { createDeltaStream } from "./delta-stream.ts";
import { createDownloadTray, type DownloadTray } from "./download-tray.ts";
import { Findings } from "./findings.ts";
import { answerScheme, createAnswerContent, judge } from "./judgement.ts";
import { registerLanguageModelTool } from "./language-model-tool.ts";
import { createLazyApp, type LazyApp } from "./lazy-app.ts";
import { createLeaveDialog, type LeaveDialog } from "./leave-dialog.ts";
import { LedgerView } from "./ledger-view.ts";
import { createMcpServers, type McpServers, registerMcpServers } from "./mcp-server.ts";
import { chooseModel } from "./model-picker.ts";
import { MonitorView } from "./monitor-view.ts";
import { Proposals, proposalScheme } from "./proposals.ts";
import { applyRemedy } from "./remedy.ts";
import { reportError } from "./report-error.ts";
import { say } from "./say.ts";
import { createServiceItem } from "./service-commands.ts";
import { createServiceLogs, type ServiceLogs } from "./services-commands.ts";
import { ServicesView } from "./services-view.ts";
import { createSessionKeeper, type SessionKeeper } from "./session-keeper.ts";
import { setupScheme } from "./setup-diffs.ts";
import { SharedService } from "./shared-service.ts";
import { createStatusBar, type StatusBar } from "./status-bar.ts";
import { Translations } from "./translations.ts";
import { announceRules } from "./window-rules.ts";

export interface Host {
  readonly log: vscode.LogOutputChannel;
  readonly app: LazyApp;
  readonly chat: ChatView;
  readonly conversation: Conversation;
  readonly keeper: SessionKeeper;
  readonly findings: Findings;
  readonly proposals: Proposals;
  readonly translations: Translations;
  readonly statusBar: StatusBar;
  readonly secrets: vscode.SecretStorage;
  readonly leaveDialog: LeaveDialog;
  readonly ledgerView: LedgerView;
  readonly servicesView: ServicesView;
  readonly downloadTray: DownloadTray;
  readonly serviceLogs: ServiceLogs;
  readonly modelTested: vscode.EventEmitter<void>;
  readonly sharedService: SharedService;
  readonly mcpServers: McpServers;
  readonly clientSetup: ClientSetup;
  readonly reportError: (error: unknown) => void;
  /** Shows the chat and answers there. */
  readonly ask: (question: Question) => Promise<Exchange>;
}

export function createHost(context: vscode.ExtensionContext): Host {
  const log = vscode.window.createOutputChannel("Switchyard", { log: true });
  context.subscriptions.push(log);
  const report = (error: unknown) => void reportError(error, log);
  const leaveDialog = createLeaveDialog(context.workspaceState);
  const app = createLazyApp(context, log, {
    askedBy: "editor",
    mayLeave: leaveDialog.ask,
    claudeKey: () => readClaudeKey(context.secrets),
  });
  const keeper = createSessionKeeper(async () => (await app.get()).sessions, context.workspaceState, report);
  const downloadTray = createDownloadTray(context.globalState, report);
  const proposals = new Proposals();
  const translations = new Translations(app.get, report);
  const sharedService = new SharedService(context, log);
  const statusBar = createStatusBar(app.peek, () => conversation.isBusy() || translations.isBusy());
  const { chat, conversation } = createChat(context, { app, keeper, proposals, statusBar, log, report });
  const host: Host = {
    log,
    app,
    chat,
    conversation,
    keeper,
    findings: new Findings(() => vscode.workspace.getConfiguration("switchyard").get("reviewPresentation", "both")),
    proposals,
    translations,
    statusBar,
    secrets: context.secrets,
    leaveDialog,
    ledgerView: new LedgerView(context.extensionUri, app.get),
    servicesView: new ServicesView(app.get, log, downloadTray),
    downloadTray,
    serviceLogs: createServiceLogs(report),
    modelTested: new vscode.EventEmitter<void>(),
    sharedService,
    mcpServers: createMcpServers(sharedService),
    clientSetup: createClientSetup({
      service: sharedService,
      storage: context.globalStorageUri,
      contextTokens: async () => (await app.get()).settings().maxContextTokens,
    }),
    reportError: report,
    async ask(question) {
      const askedIn = askedInNow(question.ask.sources);
      await chat.reveal();
      const exchange = await conversation.run({ ...question, ...(askedIn ? { askedIn } : {}) });
      await chat.showSessions();
      return exchange;
    },
  };
  context.subscriptions.push(...registrations(context, host), ...registrationsForAgents(context, host));
  return host;
}

/** The view and what runs in it, which need each other. */
function createChat(
  context: vscode.ExtensionContext,
  { app, keeper, proposals, statusBar, log, report }: ChatNeeds,
): { readonly chat: ChatView; readonly conversation: Conversation } {
  const stream = createDeltaStream((delta) => chat.post(delta));
  const chat = new ChatView({
    context,
    keeper,
    stream,
    proposals,
    conversation: () => conversation,
    modelLabel: statusBar.modelLabel,
    warmUp: async () => (await app.get()).warmUp(new AbortController().signal),
    hasModel: async () => lookForModel(await app.get()),
    judge: (message) => judge(message, { app: app.get, keeper, conversation: () => conversation }),
    pickAnotherModel: async () => chooseModel(await app.get(), vscode.l10n.t("Ask again with")),
    remedy: (message) => applyRemedy(message, keeper, conversation),
    reportError: report,
  });
  const conversation = createConversation({
    app: app.get,
    keeper,
    stream,
    say,
    post: (sessionId, message) => chat.post(message, sessionId),
    isShown: (sessionId) => chat.isShown(sessionId),
    onBusy: (isBusy) => setContextKey("busy", isBusy),
    onEnd: noteAnswer,
    onFailure: (error) => log.warn(withoutCredentials(String(error))),
  });
  return { chat, conversation };
}

interface ChatNeeds extends Pick<Host, "app" | "keeper" | "proposals" | "statusBar" | "log"> {
  readonly report: Host["reportError"];
}

/** What the editor shows, asks and tells. */
function registrations(context: vscode.ExtensionContext, host: Host): readonly vscode.Disposable[] {
  const { app, chat, statusBar } = host;
  return [
    host.findings,
    host.translations,
    statusBar,
    host.leaveDialog,
    host.ledgerView,
    host.servicesView,
    host.serviceLogs,
    host.sharedService,
    host.mcpServers,
    host.modelTested,
    announceRules(host.log),
    createServiceItem(host.sharedService),
    vscode.workspace.registerTextDocumentContentProvider(setupScheme, host.clientSetup),
    vscode.workspace.registerTextDocumentContentProvider(proposalScheme, host.proposals),
    vscode.workspace.registerTextDocumentContentProvider(answerScheme, createAnswerContent(host.keeper)),
    vscode.window.registerWebviewViewProvider("switchyard.chat", chat),
    vscode.window.registerWebviewViewProvider("switchyard.monitor", new MonitorView(context, app.get)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration("switchyard")) return;
      statusBar.refresh();
      chat.showModel(statusBar.modelLabel());
    }),
  ];
}

/** What agents and the editor's own chat may use: nothing leaves through it. */
function registrationsForAgents(
  context: vscode.ExtensionContext,
  { log, mcpServers, modelTested }: Host,
): readonly vscode.Disposable[] {
  const app = createLazyApp(context, log, { askedBy: "mcp", staysHere: true });
  return [
    registerMcpServers(mcpServers),
    registerLanguageModelTool(app),
    offerChatModels(app, log, modelTested.event),
    registerChatParticipant(app, vscode.Uri.joinPath(context.extensionUri, "media", "icon.svg")),
  ];
}
