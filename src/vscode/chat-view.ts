// The chat view: shows the open session, and turns what the page says into what the person wants.
import * as vscode from "vscode";
import type { InstalledModel } from "../core/backend.ts";
import { protocolVersion, type ToHost, type ToPage } from "../core/page-protocol.ts";
import type { Source } from "../core/task.ts";
import { askedInNow } from "./asked-place.ts";
import type { Conversation } from "./conversation.ts";
import { attached } from "./conversation.ts";
import type { DeltaStream } from "./delta-stream.ts";
import type { Judgement } from "./judgement.ts";
import { openSource, readAttached } from "./open-source.ts";
import { pageHtml, pagesFolder } from "./page-html.ts";
import { readPageMessage } from "./page-messages.ts";
import type { Proposals } from "./proposals.ts";
import type { RemedyWish } from "./remedy.ts";
import type { SessionKeeper } from "./session-keeper.ts";
import { insertCode, proposeCode } from "./use-code.ts";

export interface ChatViewParts {
  readonly context: vscode.ExtensionContext;
  readonly keeper: SessionKeeper;
  readonly stream: DeltaStream;
  readonly conversation: () => Conversation;
  readonly proposals: Proposals;
  readonly modelLabel: () => string;
  /** Called when the view is opened; what comes of it concerns nobody. */
  readonly warmUp: () => Promise<void>;
  readonly hasModel: () => Promise<boolean>;
  readonly pickAnotherModel: () => Promise<InstalledModel | undefined>;
  /** What the person says of an answer. */
  readonly judge: (message: Judgement) => Promise<void>;
  /** What did not fit is asked again with more room. */
  readonly remedy: (message: RemedyWish) => Promise<void>;
  readonly reportError: (error: unknown) => void;
}

export class ChatView implements vscode.WebviewViewProvider {
  readonly #parts: ChatViewParts;
  #view: vscode.WebviewView | undefined;
  #shownSessionId: string | undefined;
  #attached: readonly Source[] = [];
  /** What the box is to have once the page is there. */
  #wish: Extract<ToPage, { kind: "focusInput" }> | undefined;

  constructor(parts: ChatViewParts) {
    this.#parts = parts;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { extensionUri } = this.#parts.context;
    this.#view = view;
    this.#shownSessionId = undefined;
    view.webview.options = { enableScripts: true, localResourceRoots: [pagesFolder(extensionUri)] };
    const listeners = [
      view.webview.onDidReceiveMessage((raw: unknown) => this.#receive(raw)),
      view.onDidChangeVisibility(() => {
        // A hidden page is thrown away; it says `ready` when it is back.
        if (!view.visible) this.#shownSessionId = undefined;
      }),
    ];
    view.onDidDispose(() => {
      for (const listener of listeners) listener.dispose();
      if (this.#view === view) this.#view = undefined;
      this.#shownSessionId = undefined;
    });
    void this.#parts.warmUp().catch(() => undefined);
    view.webview.html = pageHtml(view.webview, extensionUri, "chat");
  }

  isShown(sessionId: string): boolean {
    return this.#shownSessionId === sessionId;
  }

  post(message: ToPage, sessionId?: string): void {
    if (!this.#view || (sessionId !== undefined && !this.isShown(sessionId))) return;
    void this.#view.webview.postMessage(message);
  }

  /** Opens the view, and puts the text into the box where one is given. */
  async reveal(text?: string): Promise<void> {
    await vscode.commands.executeCommand("switchyard.chat.focus");
    const wish = { kind: "focusInput", ...(text === undefined ? {} : { text }) } as const;
    // A view that opens only now has no page yet.
    if (this.#shownSessionId === undefined) this.#wish = { ...this.#wish, ...wish };
    else this.post(wish);
  }

  /** Texts that go with the next question. */
  attach(sources: readonly Source[]): void {
    const added = sources.filter((source) => !this.#attached.some((each) => keyOf(each) === keyOf(source)));
    this.#attached = [...this.#attached, ...added];
    this.#postAttached();
  }

  /** Shows the open session from the beginning. */
  async refresh(): Promise<void> {
    if (!this.#view) return;
    const { keeper, stream, modelLabel } = this.#parts;
    const session = await keeper.current();
    const sessions = await keeper.list();
    this.#shownSessionId = session.id;
    this.post({
      kind: "init",
      protocol: protocolVersion,
      locale: vscode.env.language,
      strings: vscode.l10n.bundle ?? {},
      session: await keeper.current(),
      sessions,
      modelLabel: modelLabel(),
      attached: this.#attachedViews(),
      seq: stream.restart(),
    });
    if (this.#wish) this.post(this.#wish);
    this.#wish = undefined;
  }

  showModel(label: string): void {
    this.post({ kind: "model", label });
  }

  async tellModels(): Promise<void> {
    if (this.#view) this.post({ kind: "models", isNone: !(await this.#parts.hasModel()) });
  }

  async showSessions(): Promise<void> {
    this.post({ kind: "sessions", sessions: await this.#parts.keeper.list() });
  }

  #attachedViews() {
    return this.#attached.map((source) => {
      const { startLine, endLine } = attached(source);
      const lines = startLine === undefined ? "" : `:${startLine}${endLine === startLine ? "" : `-${endLine}`}`;
      return { uri: keyOf(source), label: `${source.label}${lines}` };
    });
  }

  #postAttached(): void {
    this.post({ kind: "attached", attached: this.#attachedViews() });
  }

  async #receive(raw: unknown): Promise<void> {
    const message = readPageMessage(raw);
    if (!message) return;
    try {
      await this.#handle(message);
    } catch (error) {
      this.#parts.reportError(error);
    }
  }

  async #handle(message: ToHost): Promise<void> {
    const { keeper, stream, proposals } = this.#parts;
    const conversation = this.#parts.conversation();
    switch (message.kind) {
      case "ready":
        await this.refresh();
        return this.tellModels();
      case "ack":
        return stream.ack(message.seq);
      case "send":
        return this.#send(message.text);
      case "stop":
        return conversation.stop(message.exchangeId);
      case "retry":
        return this.#retry(message.exchangeId, message.pickModel);
      case "correct":
      case "rate":
      case "compare":
        return this.#parts.judge(message);
      case "askBetter":
        return conversation.askBetter(message.exchangeId, readAttached);
      case "remedy":
        return this.#parts.remedy(message);
      case "code":
        if (message.action === "copy") return vscode.env.clipboard.writeText(message.code);
        if (message.action === "insert") return insertCode(message.code, await conversation.about(message.exchangeId));
        return proposeCode(message.code, await conversation.about(message.exchangeId), proposals);
      case "openSource":
        return openSource(message.uri, message.line);
      case "openLink":
        return openLink(message.href);
      case "newSession":
        await keeper.start();
        return this.refresh();
      case "openSession":
        await keeper.open(message.sessionId);
        return this.refresh();
      case "deleteSession":
        return this.#delete(message.sessionId);
      case "pickModel":
        await vscode.commands.executeCommand("switchyard.pickModel");
        return;
      case "command":
        await vscode.commands.executeCommand(`switchyard.${message.name}`, message.argument);
        return;
      case "detach":
        this.#attached = this.#attached.filter((source) => keyOf(source) !== message.uri);
        return this.#postAttached();
    }
  }

  async #delete(sessionId: string): Promise<void> {
    const { keeper } = this.#parts;
    const title = (await keeper.list()).find(({ id }) => id === sessionId)?.title ?? "";
    const question = vscode.l10n.t("Delete the conversation “{0}”?", title);
    const detail = vscode.l10n.t("It cannot be brought back.");
    const yes = vscode.l10n.t("Delete");
    if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) !== yes) return;
    await keeper.delete(sessionId);
    await this.refresh();
  }

  async #send(text: string): Promise<void> {
    if (text.trim() === "") return;
    const sources = this.#attached;
    this.#attached = [];
    this.#postAttached();
    const askedIn = askedInNow(sources);
    await this.#parts.conversation().run({ title: text, ask: { text, sources }, ...(askedIn ? { askedIn } : {}) });
    await this.showSessions();
  }

  async #retry(exchangeId: string, pickModel: boolean): Promise<void> {
    const model = pickModel ? await this.#parts.pickAnotherModel() : undefined;
    if (pickModel && !model) return;
    await this.#parts.conversation().retry(exchangeId, readAttached, model ? { model: model.name } : {});
  }
}

/** A file may be attached more than once, by different lines. */
function keyOf(source: Source): string {
  return `${source.uri}#${source.origin}:${source.startLine ?? 0}:${source.text.length}`;
}

async function openLink(href: string): Promise<void> {
  const uri = vscode.Uri.parse(href, true);
  if (["http", "https", "mailto"].includes(uri.scheme)) await vscode.env.openExternal(uri);
}
