// For who does not want to wait until a model server has finished what it is answering.
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";

export interface Hurry {
  /** Aborted when the person has had enough. */
  readonly signal: AbortSignal;
  /** Says so, where that is not said already, and stays until it is withdrawn. */
  offer(): void;
  /** Nothing is waited for any longer. */
  withdraw(): void;
}

/** Whatever becomes of `work`, nothing is offered after it. */
export async function withHurry<Value>(work: (hurry: Hurry) => Promise<Value>): Promise<Value> {
  const hurry = createHurry();
  try {
    return await work(hurry);
  } finally {
    hurry.withdraw();
  }
}

function createHurry(): Hurry {
  const stop = new AbortController();
  let shown: vscode.Disposable | undefined;
  const withdraw = () => {
    shown?.dispose();
    shown = undefined;
  };
  return {
    signal: stop.signal,
    offer() {
      if (stop.signal.aborted) return;
      shown ??= showOffer(() => {
        stop.abort();
        withdraw();
      });
    },
    withdraw,
  };
}

/** A message with a button goes after some seconds; that of something in progress stays, and takes a link in its one line. */
function showOffer(onChosen: () => void): vscode.Disposable {
  const id = `switchyard.doNotWait.${randomUUID()}`;
  const command = vscode.commands.registerCommand(id, onChosen);
  const [now, cuts] = [vscode.l10n.t("Do Not Wait"), vscode.l10n.t("Cuts the answers that are being made")];
  const title = `${vscode.l10n.t("Waiting for answers that are being made.")} [${now}](command:${id} "${cuts}")`;
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  const where = { location: vscode.ProgressLocation.Notification, title };
  void vscode.window.withProgress(where, () => isOver);
  return vscode.Disposable.from(command, { dispose: end });
}
