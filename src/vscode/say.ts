import * as vscode from "vscode";
import { formatMessage, type Message } from "../core/message.ts";

/** A message of any layer in the language of the interface. */
export function say(message: Message): string {
  return formatMessage(message, vscode.l10n.bundle);
}
