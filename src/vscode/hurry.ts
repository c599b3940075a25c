// A button for who does not want to wait until a model server has finished what it is answering.
import * as vscode from "vscode";

export interface Hurry {
  /** Aborted when the person has had enough. */
  readonly signal: AbortSignal;
  /** Shows the button, once. */
  offer(): void;
}

export function createHurry(): Hurry {
  const stop = new AbortController();
  let isOffered = false;
  return {
    signal: stop.signal,
    offer() {
      if (isOffered) return;
      isOffered = true;
      const now = vscode.l10n.t("Do Not Wait");
      const text = vscode.l10n.t("Answers are being made, and are waited for. Not to wait cuts them.");
      vscode.window.showInformationMessage(text, now).then(
        (chosen) => {
          if (chosen === now) stop.abort();
        },
        () => undefined,
      );
    },
  };
}
