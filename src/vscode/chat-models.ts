// The models in the editor's own chat: those that are installed, and one that is routed. Nothing leaves through them: their
// app has nobody to ask.

import * as vscode from "vscode";
import { withoutCredentials } from "../core/addresses.ts";
import type { App } from "../core/app.ts";
import type { InstalledModel } from "../core/backend.ts";
import { canChat } from "../core/can-chat.ts";
import { estimateTokens } from "../core/estimate-tokens.ts";
import { uniqueModels } from "../core/model-places.ts";
import { surelyCan } from "../core/needs.ts";
import { isLocalPlace } from "../core/policy.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { signalOf } from "./cancellation.ts";
import { askOfChat, textOf } from "./chat-request.ts";
import type { LazyApp } from "./lazy-app.ts";
import { say } from "./say.ts";

const vendor = "switchyard";
/** The model that stands for all: each question goes to the one that is best for it. */
const autoId = "auto";
/** The start of the editor is not delayed by looking for models, ms. */
const firstLookMs = 5_000;

/**
 * Registers while the setting is on.
 * @param tested a test has shown what a model can do
 */
export function offerChatModels(
  app: LazyApp,
  log: vscode.LogOutputChannel,
  tested: vscode.Event<void>,
): vscode.Disposable {
  if (typeof vscode.lm?.registerLanguageModelChatProvider !== "function") return new vscode.Disposable(() => undefined);
  let offered: vscode.Disposable | undefined;
  const refresh = () => {
    const isWanted = vscode.workspace.getConfiguration("switchyard").get("chatModels", true);
    if (isWanted) offered ??= register(app, log, tested);
    else {
      offered?.dispose();
      offered = undefined;
    }
  };
  refresh();
  const listening = vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration("switchyard.chatModels")) refresh();
  });
  return { dispose: () => vscode.Disposable.from(listening, ...(offered ? [offered] : [])).dispose() };
}

function register(app: LazyApp, log: vscode.LogOutputChannel, tested: vscode.Event<void>): vscode.Disposable {
  const registration = vscode.lm.registerLanguageModelChatProvider(vendor, createProvider(app, tested));
  // The editor lists them only after somebody has asked for them once.
  const timer = setTimeout(() => {
    vscode.lm.selectChatModels({ vendor }).then(
      (models) => log.debug(`chat models: ${models.length}`),
      (error: unknown) => log.debug(`chat models: ${withoutCredentials(String(error))}`),
    );
  }, firstLookMs);
  return vscode.Disposable.from(registration, { dispose: () => clearTimeout(timer) });
}

function createProvider(lazy: LazyApp, tested: vscode.Event<void>): vscode.LanguageModelChatProvider {
  return {
    onDidChangeLanguageModelChatInformation: (listener, self, disposables) =>
      tested(
        () => {
          // What this app found before is without the test, and is forgotten so.
          const app = lazy.peek();
          app?.configure(app.settings());
          listener.call(self);
        },
        undefined,
        disposables,
      ),
    async provideLanguageModelChatInformation(_options, token) {
      const app = await lazy.get();
      // Without a server there is nothing to choose, and that is no error.
      const models = await app.models(signalOf(token)).catch((): readonly InstalledModel[] => []);
      return describeModels(uniqueModels(models), app);
    },
    async provideLanguageModelChatResponse(model, messages, options, progress, token) {
      const name = model.id === autoId ? undefined : model.id;
      const ask = askOfChat(messages, options, name);
      try {
        for await (const event of (await lazy.get()).run(ask, signalOf(token))) {
          if (event.kind === "text") progress.report(new vscode.LanguageModelTextPart(event.text));
          if (event.kind !== "tool-call") continue;
          const { id, name: called, arguments: input } = event.call;
          progress.report(new vscode.LanguageModelToolCallPart(id, called, input));
        }
      } catch (error) {
        if (isAbort(error)) return;
        throw error instanceof TaskError ? new Error(say(error.text), { cause: error }) : error;
      }
    },
    provideTokenCount: async (_model, text) => estimateTokens(typeof text === "string" ? text : textOf(text.content)),
  };
}

function describeModels(models: readonly InstalledModel[], app: App): vscode.LanguageModelChatInformation[] {
  const local = models.filter((model) => isLocalPlace(model, app.settings()) && canChat(model));
  if (local.length === 0) return [];
  const most = app.settings().maxContextTokens;
  const limits = (contextTokens: number | undefined) => {
    const whole = Math.min(most, contextTokens ?? most);
    const answer = Math.min(4096, Math.floor(whole / 4));
    return { maxInputTokens: whole - answer, maxOutputTokens: answer };
  };
  const auto: vscode.LanguageModelChatInformation = {
    id: autoId,
    name: vscode.l10n.t("Switchyard Auto"),
    family: vendor,
    version: "1",
    detail: vscode.l10n.t("local"),
    tooltip: vscode.l10n.t("The best installed model for each kind of task"),
    ...limits(Math.max(...local.map((model) => model.contextTokens ?? most))),
    capabilities: {
      toolCalling: local.some((model) => surelyCan(model, "tools")),
      imageInput: local.some((model) => surelyCan(model, "vision")),
    },
  };
  const named = [...new Map(local.map((model) => [model.name, model])).values()];
  return [
    auto,
    ...named.map((model) => ({
      id: model.name,
      name: model.name,
      family: model.name.split(":")[0] ?? model.name,
      version: model.digest?.slice(0, 12) ?? "1",
      detail: model.backend,
      ...limits(model.contextTokens),
      // Agents that are promised it and do not get it fail in the middle of their work.
      capabilities: { toolCalling: surelyCan(model, "tools"), imageInput: surelyCan(model, "vision") },
    })),
  ];
}
