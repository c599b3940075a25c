import * as vscode from "vscode";
import { msg } from "../core/message.ts";
import type { AttachedSource } from "../core/session.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { hasPictureName, readAny } from "./gather-attachments.ts";
import { fromRange } from "./gather-sources.ts";
import { showDocument } from "./show-document.ts";

/** @param line from 1 */
export async function openSource(address: string, line?: number): Promise<void> {
  const uri = parse(address);
  if (hasPictureName(uri)) {
    await vscode.commands.executeCommand("vscode.open", uri);
    return;
  }
  const at = line === undefined ? undefined : new vscode.Range(line - 1, 0, line - 1, 0);
  try {
    await showDocument(uri, at ? { selection: at } : {});
  } catch (cause) {
    throw new TaskError("bad-input", msg("{0} cannot be opened any more.", uri.path), { cause });
  }
}

/** Reads the same lines as they are now. */
export async function readAttached({ uri, startLine, endLine }: AttachedSource): Promise<Source> {
  const whole = await readAny(parse(uri));
  if (startLine === undefined || endLine === undefined) return whole;
  const document = await vscode.workspace.openTextDocument(parse(uri));
  const range = document.validateRange(new vscode.Range(startLine - 1, 0, endLine, 0));
  return fromRange(document, range);
}

function parse(address: string): vscode.Uri {
  const uri = vscode.Uri.parse(address);
  if (["file", "untitled", "vscode-notebook-cell", "vscode-remote", "vscode-vfs"].includes(uri.scheme)) return uri;
  throw new TaskError("bad-input", msg("{0} is not a file that can be opened.", address));
}
