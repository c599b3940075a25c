// What changed since the last commit, as the editor's own Git extension tells it: unsaved changes count.
import { diffLines } from "diff";
import * as vscode from "vscode";
import { changedParts, diffOptions } from "../core/changed-parts.ts";
import { isGenerated } from "../core/is-generated.ts";
import { msg } from "../core/message.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { labelOf, readFile } from "./gather-sources.ts";

/** Of the interface that `vscode.git` exports (its `git.d.ts`, version 1), what is used here. */
interface GitExtension {
  readonly enabled: boolean;
  getAPI(version: 1): { readonly repositories: readonly Repository[] };
}

interface Repository {
  readonly rootUri: vscode.Uri;
  readonly state: Readonly<
    Record<"indexChanges" | "workingTreeChanges" | "mergeChanges", readonly GitChange[]> &
      Partial<Record<"untrackedChanges", readonly GitChange[]>>
  >;
  status(): Promise<void>;
  /** A file as it was in a commit. @param path of the file on disk */
  show(commit: string, path: string): Promise<string>;
}

interface GitChange {
  readonly uri: vscode.Uri;
  readonly originalUri: vscode.Uri;
  readonly renameUri?: vscode.Uri;
}

interface ChangedFile {
  readonly uri: vscode.Uri;
  readonly was: vscode.Uri;
  readonly repository: Repository;
  /** Git, which reads the disk, tells no change of it: it counts where a commit has it. */
  readonly isUnsaved?: true;
}

export interface GatheredChanges {
  readonly sources: readonly Source[];
  /** Names of files that changed and that nobody can or wants to review: binary, empty, generated, too large. */
  readonly leftOut: readonly string[];
}

/** More are asked about first: a model on this machine takes its time for each. */
const mostUnasked = 8;

/**
 * @param given what a menu hands over: a repository, a group of changes, or some changed files; nothing: all repositories
 * @returns undefined when the person left
 * @throws TaskError `bad-input` where Git is not to be had
 */
export async function gatherChanges(given: readonly unknown[]): Promise<GatheredChanges | undefined> {
  const files = await changedFiles(given);
  const [wanted, generated] = [files.filter(isTheirs), files.filter((file) => !isTheirs(file))];
  const chosen = wanted.length > mostUnasked ? await choose(wanted) : wanted;
  if (!chosen) return undefined;
  const sources: Source[] = [];
  const leftOut = generated.map(({ uri }) => labelOf(uri));
  for (const file of chosen) {
    try {
      sources.push(...(await partsOf(file)));
    } catch (error) {
      if (!(error instanceof TaskError)) throw error;
      leftOut.push(labelOf(file.uri));
    }
  }
  return { sources, leftOut };
}

const isTheirs = ({ uri }: ChangedFile) => !isGenerated(uri.path);

/** Those that are still there, by name. */
async function changedFiles(given: readonly unknown[]): Promise<readonly ChangedFile[]> {
  const wanted = wantedUris(given);
  const root = rootIn(given);
  const repositories = (await gitRepositories()).filter(({ rootUri }) => root === undefined || `${rootUri}` === root);
  await Promise.all(repositories.map((repository) => repository.status()));
  const files = new Map<string, ChangedFile>();
  for (const repository of repositories) {
    const { indexChanges, workingTreeChanges, mergeChanges, untrackedChanges = [] } = repository.state;
    for (const change of [...indexChanges, ...mergeChanges, ...workingTreeChanges, ...untrackedChanges]) {
      const uri = change.renameUri ?? change.uri;
      // What was renamed and then changed is told twice; the first knows its old name.
      const isKnown = files.has(uri.toString());
      if (!isKnown && (!wanted || wanted.has(uri.toString())))
        files.set(uri.toString(), { uri, was: change.originalUri, repository });
    }
    for (const uri of unsavedIn(repository)) {
      const isKnown = files.has(uri.toString());
      if (!isKnown && !wanted) files.set(uri.toString(), { uri, was: uri, repository, isUnsaved: true });
    }
  }
  const isThere = await Promise.all([...files.values()].map(({ uri }) => exists(uri)));
  return [...files.values()]
    .filter((_, index) => isThere[index])
    .sort((a, b) => a.uri.path.localeCompare(b.uri.path, "en"));
}

const unsavedIn = ({ rootUri }: Repository): readonly vscode.Uri[] =>
  vscode.workspace.textDocuments
    .filter(({ isDirty, uri }) => isDirty && uri.scheme === rootUri.scheme && uri.path.startsWith(`${rootUri.path}/`))
    .map(({ uri }) => uri);

async function partsOf({ uri, was, repository, isUnsaved }: ChangedFile): Promise<readonly Source[]> {
  const before = await repository.show("HEAD", was.fsPath).catch(() => undefined);
  if (before === undefined && isUnsaved) return [];
  const now = await readFile(uri);
  return changedParts(now, before === undefined ? undefined : diffLines(before, now.text, diffOptions));
}

async function gitRepositories(): Promise<readonly Repository[]> {
  const extension = vscode.extensions.getExtension<GitExtension>("vscode.git");
  const git = await extension?.activate();
  if (!git?.enabled) {
    throw new TaskError("bad-input", msg("Changes are asked of the editor’s Git extension, which is not on here."));
  }
  const { repositories } = git.getAPI(1);
  if (repositories.length > 0) return repositories;
  throw new TaskError("bad-input", msg("No Git repository is open: there is nothing to compare with."));
}

function rootIn([given]: readonly unknown[]): string | undefined {
  const hasRoot =
    typeof given === "object" && given !== null && "rootUri" in given && given.rootUri instanceof vscode.Uri;
  return hasRoot ? String(given.rootUri) : undefined;
}

/** Undefined: all. A menu hands over each chosen file by itself, or the group they are in. */
function wantedUris(given: readonly unknown[]): ReadonlySet<string> | undefined {
  const states = given.flat().flatMap((each: unknown): readonly unknown[] => {
    const isGroup = typeof each === "object" && each !== null && "resourceStates" in each;
    return isGroup && Array.isArray(each.resourceStates) ? each.resourceStates : [each];
  });
  const uris = states.flatMap((state) =>
    typeof state === "object" && state !== null && "resourceUri" in state && state.resourceUri instanceof vscode.Uri
      ? [state.resourceUri.toString()]
      : [],
  );
  return uris.length > 0 ? new Set(uris) : undefined;
}

async function choose(files: readonly ChangedFile[]): Promise<readonly ChangedFile[] | undefined> {
  const items = files.map((file) => ({ label: labelOf(file.uri), picked: true, file }));
  const chosen = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: vscode.l10n.t("Review Changes"),
    placeHolder: vscode.l10n.t("Many files have changed. Choose those that are to be reviewed"),
  });
  return chosen?.map(({ file }) => file);
}

const exists = (uri: vscode.Uri) =>
  vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
