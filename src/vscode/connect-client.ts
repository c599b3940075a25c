// Setting up another program so that it uses the models here: the change is shown, made, tried, and taken back.
import { homedir } from "node:os";
import * as vscode from "vscode";
import { type ClientId, clientIds } from "../clients/client.ts";
import { inform } from "./inform.ts";
import { say } from "./say.ts";
import { ensureService } from "./service-commands.ts";
import { createSetupDiffs } from "./setup-diffs.ts";
import type { SharedService } from "./shared-service.ts";

export interface ClientSetup extends vscode.TextDocumentContentProvider {
  connect(id: unknown): Promise<void>;
  disconnect(id: unknown): Promise<void>;
}

interface SetupParts {
  readonly service: SharedService;
  /** Folder of the extension's own files, beside the editor's. */
  readonly storage: vscode.Uri;
  readonly contextTokens: () => Promise<number>;
}

/** How long a first request is waited for, ms. */
const waitMs = 10 * 60_000;

/** Read when it is first needed. */
const loadClients = async () => ({
  ...(await import("../clients/connect.ts")),
  ...(await import("../clients/connected.ts")),
  ...(await import("../clients/programs.ts")),
});

export function createClientSetup({ service, storage, contextTokens }: SetupParts): ClientSetup {
  const diffs = createSetupDiffs();

  async function connect(given: unknown): Promise<void> {
    const { clients, planConnection, applyConnection } = await loadClients();
    const home = await service.home();
    const id =
      asClientId(given) ?? (await pickClient(clientIds, vscode.l10n.t("Which program shall use the models here?")));
    if (!id) return;
    const client = clients[id];
    const { url, token } = await ensureService(service);
    const surroundings = {
      url,
      token,
      model: "switchyard/code",
      contextTokens: await contextTokens(),
      userHome: homedir(),
      // …/User/globalStorage/switchyard.switchyard
      editorFolder: vscode.Uri.joinPath(storage, "..", "..").fsPath,
      env: process.env,
    };
    const plan = await planConnection(home, client, surroundings);
    if (plan.changes.length > 0) {
      const title = vscode.l10n.t("Set up {0}", client.name);
      if (!(await diffs.ask(title, plan.changes, token, vscode.l10n.t("Apply")))) return;
      await applyConnection(home, plan);
    }
    const notes = client.notes(surroundings).map(say).join(" ");
    const done = vscode.l10n.t("{0} is set up to use {1}. {2}", client.name, url, notes);
    const waiting = vscode.l10n.t("Waiting for the first request of {0}", client.name);
    // One notification at a time: the editor swallows those that come too close together.
    const route = await firstRequest(service, `${done} ${waiting}`, client.agent);
    await tell(route ? vscode.l10n.t("It works: {0} asked {1}.", client.name, route) : done, id);
  }

  async function disconnect(given: unknown): Promise<void> {
    const { clients, connectedIds, planUndo, applyUndo } = await loadClients();
    const home = await service.home();
    const connected = connectedIds(home);
    if (connected.length === 0) {
      inform(vscode.l10n.t("No program is set up."));
      return;
    }
    const id = asClientId(given) ?? (await pickClient(connected, vscode.l10n.t("Which program shall be as it was?")));
    const undone = id && (await planUndo(home, id));
    if (!id || !undone) return;
    const { name } = clients[id];
    const title = vscode.l10n.t("Undo the set-up of {0}", name);
    if (!(await diffs.ask(title, undone.changes, await service.token(), vscode.l10n.t("Undo")))) return;
    await applyUndo(home, id, undone);
    const notes = undone.notes.map(say).join(" ");
    inform(`${vscode.l10n.t("{0} is as it was.", name)} ${notes}`.trim());
  }

  return { connect, disconnect, provideTextDocumentContent: diffs.provideTextDocumentContent };
}

/** Tells what was done, with the way back. */
async function tell(text: string, id: ClientId): Promise<void> {
  const undo = vscode.l10n.t("Undo");
  if ((await vscode.window.showInformationMessage(text, undo)) !== undo) return;
  await vscode.commands.executeCommand("switchyard.disconnectClient", id);
}

/** Which route the program asked first; undefined where the person has waited enough. */
function firstRequest(service: SharedService, title: string, agent: RegExp): Thenable<string | undefined> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(
    options,
    (_, token) =>
      new Promise<string | undefined>((resolve) => {
        const end = (route: string | undefined) => {
          clearTimeout(timer);
          listening.dispose();
          resolve(route);
        };
        const timer = setTimeout(() => end(undefined), waitMs);
        const listening = service.onDidSee((seen) => agent.test(seen.agent) && end(seen.route));
        token.onCancellationRequested(() => end(undefined));
      }),
  );
}

async function pickClient(ids: readonly ClientId[], title: string): Promise<ClientId | undefined> {
  const { clients } = await loadClients();
  const items = ids.map((id) => ({ label: clients[id].name, description: id, id }));
  return (await vscode.window.showQuickPick(items, { title }))?.id;
}

const asClientId = (given: unknown) => clientIds.find((id) => id === given);
