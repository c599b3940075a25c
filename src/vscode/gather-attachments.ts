// What goes with the next question in the chat: text as for every command, and pictures.
import * as vscode from "vscode";
import { msg } from "../core/message.ts";
import { isPicture, maxPictureBytes, pictureEndings } from "../core/pictures.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { gatherSources, givenUris, labelOf, readFile } from "./gather-sources.ts";

/** @throws TaskError `bad-input` that names the file and says what to do */
export async function gatherAttachments(given: readonly unknown[]): Promise<readonly Source[]> {
  const uris = givenUris(given);
  if (uris.some(hasPictureName)) return Promise.all(uris.map(readAny));
  const shown = uris.length === 0 ? shownPicture() : undefined;
  return shown ? [await readPicture(shown)] : gatherSources("selection-or-file", given);
}

/** As it was attached: a picture, or a text. */
export function readAny(uri: vscode.Uri): Promise<Source> {
  return hasPictureName(uri) ? readPicture(uri) : readFile(uri);
}

export function hasPictureName({ path }: vscode.Uri): boolean {
  return pictureEndings.includes(path.split(".").at(-1)?.toLowerCase() ?? "");
}

/** Pictures are shown in an editor of their own kind, which is no text editor. */
function shownPicture(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputCustom && hasPictureName(input.uri) ? input.uri : undefined;
}

async function readPicture(uri: vscode.Uri): Promise<Source> {
  const label = labelOf(uri);
  const { size } = await vscode.workspace.fs.stat(uri);
  if (size > maxPictureBytes) {
    const megabytes = Math.round(maxPictureBytes / 1024 / 1024);
    throw new TaskError("bad-input", msg("{0} is too large: pictures have {1} MB at most.", label, megabytes));
  }
  const bytes = await vscode.workspace.fs.readFile(uri);
  if (!isPicture(bytes)) {
    throw new TaskError("bad-input", msg("{0} is not a picture that models read: PNG, JPEG, GIF or WebP.", label));
  }
  return { uri: uri.toString(), label, text: "", image: Buffer.from(bytes).toString("base64"), origin: "file" };
}
