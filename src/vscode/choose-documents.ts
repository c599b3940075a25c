// Which documents are translated in one go, and into which language: the person chooses.
import * as vscode from "vscode";
import { formatBytes } from "../core/format-bytes.ts";
import { detectLanguage } from "../core/language.ts";
import { msg } from "../core/message.ts";
import type { AnswerLanguage } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { type DueTranslation, type FoundDocument, planTranslations } from "../core/translation-batch.ts";
import { labelOf } from "./gather-sources.ts";

interface DueItem extends vscode.QuickPickItem {
  readonly due: DueTranslation;
}

/** More is nearly always a pattern that was meant otherwise. */
const mostDocuments = 2000;
const mostBytesLookedAt = 1024 * 1024;

export interface Chosen {
  readonly due: readonly DueTranslation[];
  readonly target: AnswerLanguage;
}

/**
 * @param given the folder that was clicked, and all chosen ones; none: a pattern is asked for
 * @returns undefined when the person left
 */
export async function chooseDocuments(given: readonly unknown[]): Promise<Chosen | undefined> {
  const found = await findDocuments(given);
  if (!found) return undefined;
  const target = await chooseTarget();
  if (!target) return undefined;
  const due = await chooseDue(planTranslations(await inAnotherLanguage(found, target), target), target);
  return due.length > 0 ? { due, target } : undefined;
}

/** Undefined when the person left. */
async function findDocuments(given: readonly unknown[]): Promise<readonly FoundDocument[] | undefined> {
  const [clicked, all] = given;
  const folders = (Array.isArray(all) && all.length > 0 ? all : [clicked]).filter((each) => each instanceof vscode.Uri);
  if (folders.length === 0 && !vscode.workspace.workspaceFolders) {
    throw new TaskError("bad-input", msg("Open a folder first."));
  }
  const pattern = folders.length > 0 ? "**/*.md" : await askPattern();
  if (pattern === undefined) return undefined;
  const patterns = folders.length > 0 ? folders.map((each) => new vscode.RelativePattern(each, pattern)) : [pattern];
  const uris = (
    await Promise.all(patterns.map((each) => vscode.workspace.findFiles(each, undefined, mostDocuments)))
  ).flat();
  const unique = [...new Map(uris.filter(isTheirs).map((uri) => [uri.toString(), uri])).values()];
  if (unique.length === 0) throw new TaskError("bad-input", msg("No document is named like {0}.", pattern));
  return Promise.all(
    unique.map(async (uri) => {
      const { size, mtime } = await vscode.workspace.fs.stat(uri);
      return { path: uri.toString(), sizeBytes: size, modifiedMs: mtime };
    }),
  );
}

/** What other people wrote, and was installed here, is not translated. */
const isTheirs = (uri: vscode.Uri) => !/\/(?:node_modules|\.git|\.venv|vendor)\//.test(uri.path);

async function askPattern(): Promise<string | undefined> {
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t("Translate Documents"),
    prompt: vscode.l10n.t("Which documents? A pattern such as docs/**/*.md"),
    value: "docs/**/*.md",
    validateInput: (value) => (value.trim() === "" ? vscode.l10n.t("Type a pattern such as docs/**/*.md") : undefined),
  });
  return text?.trim();
}

async function chooseTarget(): Promise<AnswerLanguage | undefined> {
  const items = [
    { label: "简体中文", description: "NAME.zh-CN.md", target: "zh-CN" },
    { label: "English", description: "NAME.en.md", target: "en" },
  ] as const;
  const title = vscode.l10n.t("Translate Documents");
  const picked = await vscode.window.showQuickPick(items, {
    title,
    placeHolder: vscode.l10n.t("Into which language?"),
  });
  return picked?.target;
}

/** Without what reads as the target's language already; what cannot be read is said when its turn comes. */
async function inAnotherLanguage(
  found: readonly FoundDocument[],
  target: AnswerLanguage,
): Promise<readonly FoundDocument[]> {
  const decoder = new TextDecoder();
  const isDue = await Promise.all(
    found.map(async ({ path, sizeBytes }) => {
      if (sizeBytes > mostBytesLookedAt) return true;
      const bytes = await vscode.workspace.fs.readFile(vscode.Uri.parse(path)).then(
        (read) => read,
        () => undefined,
      );
      return !bytes || detectLanguage(decoder.decode(bytes)) !== (target === "en" ? "en" : "zh");
    }),
  );
  return found.filter((_, at) => isDue[at]);
}

async function chooseDue(plan: readonly DueTranslation[], target: AnswerLanguage): Promise<readonly DueTranslation[]> {
  if (plan.length === 0) {
    throw new TaskError("bad-input", msg("All documents found are {0} texts already.", target));
  }
  const states = {
    new: vscode.l10n.t("new"),
    outdated: vscode.l10n.t("changed since it was translated; the translation is replaced"),
    current: vscode.l10n.t("translated already; the translation is replaced"),
  };
  const items = plan.map(
    (due): DueItem => ({
      due,
      label: labelOf(vscode.Uri.parse(due.document.path)),
      description: [formatBytes(due.document.sizeBytes), states[due.state]].join(" · "),
      picked: due.state !== "current",
    }),
  );
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Translate Documents"),
    placeHolder: vscode.l10n.t("Each translation is written beside its document"),
    canPickMany: true,
  });
  return chosen?.map(({ due }) => due) ?? [];
}
