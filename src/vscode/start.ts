import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { reasonOf } from "../core/reason-of.ts";
import type { Exchange, Session } from "../core/session.ts";
import { registerCommands } from "./commands.ts";
import { createHost, type Host } from "./host.ts";
import type { RunningService } from "./shared-service.ts";

/** What other extensions and the tests may use. */
export interface ExtensionApi {
  readonly apiVersion: 1;
  /** The app behind every command. */
  app(): Promise<App>;
  /** The conversation that is open in this window. */
  session(): Promise<Session>;
  /** The service for other programs, where this window knows of one. */
  service(): RunningService | undefined;
  /** What the editor's own agents are offered. */
  mcpServers(): readonly vscode.McpHttpServerDefinition[];
  /** Asks as the chat does. */
  ask(text: string): Promise<Exchange>;
}

let host: Host | undefined;

export function start(context: vscode.ExtensionContext): ExtensionApi {
  try {
    const made = createHost(context);
    host = made;
    context.subscriptions.push(...registerCommands(made));
    void made.downloadTray.resume(made.app.get).catch(made.reportError);
    return {
      apiVersion: 1,
      app: made.app.get,
      session: made.keeper.current,
      service: () => made.sharedService.current(),
      mcpServers: made.mcpServers.provideMcpServerDefinitions,
      ask: (text) => made.ask({ title: text, ask: { text, sources: [] } }),
    };
  } catch (error) {
    const text = reasonOf(error);
    void vscode.window.showErrorMessage(vscode.l10n.t("Switchyard could not start: {0}", text));
    throw error;
  }
}

/** Stops what runs, and waits until what was said is on disk. */
export async function stop(): Promise<void> {
  host?.conversation.stopAll();
  await Promise.all([host?.keeper.save(), host?.translations.keepRunning()]);
  await host?.app.dispose();
}
