// The `local_llm` tool for the editor's own agents. Nothing leaves this machine through it: its app has nobody to ask.
import { randomUUID } from "node:crypto";
import { mkdir, realpath, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, relative, sep } from "node:path";
import * as vscode from "vscode";
import { collectAnswer, factsLine, presentAnswer } from "../core/agent-answer.ts";
import { askOfAgent, type LocalLlmInput, localLlmInput } from "../core/agent-ask.ts";
import { msg } from "../core/message.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { signalOf } from "./cancellation.ts";
import { readFile } from "./gather-sources.ts";
import type { LazyApp } from "./lazy-app.ts";

const toolName = "switchyard_local_llm";
/** Characters of a prompt that are shown before it is run. */
const shownCharacters = 600;

/** Registers the tool where the editor has tools. */
export function registerLanguageModelTool(app: LazyApp): vscode.Disposable {
  // Editors that follow VS Code from afar lack it.
  if (typeof vscode.lm?.registerTool !== "function") return new vscode.Disposable(() => undefined);
  const registration = vscode.lm.registerTool<unknown>(toolName, {
    prepareInvocation: ({ input }) => confirmation(localLlmInput.safeParse(input).data),
    invoke: async ({ input }, token) => {
      const text = await answer(app, input, signalOf(token));
      return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
    },
  });
  return vscode.Disposable.from(registration, { dispose: () => void app.dispose() });
}

function confirmation(input: LocalLlmInput | undefined): vscode.PreparedToolInvocation {
  const prompt = input?.prompt ?? "";
  const message = new vscode.MarkdownString();
  message.appendText(vscode.l10n.t("It runs on this machine, and what it answers goes to the agent."));
  message.appendCodeblock(prompt.length > shownCharacters ? `${prompt.slice(0, shownCharacters)} …` : prompt);
  if (input?.paths?.length) message.appendCodeblock(input.paths.join("\n"));
  return {
    invocationMessage: vscode.l10n.t("Asking a local model"),
    confirmationMessages: { title: vscode.l10n.t("Ask a local model?"), message },
  };
}

async function answer(app: LazyApp, input: unknown, signal: AbortSignal): Promise<string> {
  const parsed = localLlmInput.safeParse(input);
  if (!parsed.success) throw new TaskError("bad-input", msg("Give a prompt; the temperature is between 0 and 2."));
  const sources = await Promise.all((parsed.data.paths ?? []).map(readShared));
  const events = (await app.get()).run(askOfAgent(parsed.data, sources), signal);
  const collected = await collectAnswer(events, () => performance.now());
  const { answer: text, facts } = await presentAnswer(collected, { nonce: randomUUID(), keep: keepText });
  return `${text}\n\n${factsLine(facts)}`;
}

/** Reads a file of the workspace as it is in the editor. */
async function readShared(path: string): Promise<Source> {
  if (path === "" || path.includes("\0")) {
    throw new TaskError("bad-input", msg("{0} is not a path.", JSON.stringify(path)));
  }
  const folders = vscode.workspace.workspaceFolders ?? [];
  for (const { uri: folder } of folders) {
    const uri = isAbsolute(path)
      ? vscode.Uri.file(path).with({ scheme: folder.scheme })
      : vscode.Uri.joinPath(folder, path);
    if (!vscode.workspace.getWorkspaceFolder(uri) || !(await isReallyWithin(uri, folders))) continue;
    const isThere = await vscode.workspace.fs.stat(uri).then(
      (found) => found.type !== vscode.FileType.Directory,
      () => false,
    );
    if (isThere) return readFile(uri);
  }
  const shared = folders.map((folder) => folder.name).join(", ") || "–";
  throw new TaskError("bad-input", msg("{0} is no file of this workspace: {1}", path, shared));
}

/** Whether no link leads out of the workspace. Folders that are not on a disk have no links. */
async function isReallyWithin(uri: vscode.Uri, folders: readonly vscode.WorkspaceFolder[]): Promise<boolean> {
  if (uri.scheme !== "file") return true;
  const real = await realpath(uri.fsPath).catch(() => undefined);
  if (real === undefined) return false;
  const bases = await Promise.all(folders.map((folder) => realpath(folder.uri.fsPath).catch(() => undefined)));
  return bases.some((base) => {
    const way = base === undefined ? ".." : relative(base, real);
    return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  });
}

/** Where `switchyard mcp` keeps what is too long, which it clears of what is older than a week. */
async function keepText(text: string): Promise<string | undefined> {
  const { defaultHome } = await import("../home.ts");
  const folder = join(defaultHome(process.env, process.platform, homedir()), "mcp-output");
  const file = join(folder, `${randomUUID()}.md`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(file, text, { mode: 0o600, flag: "wx" });
    return file;
  } catch {
    return undefined;
  }
}
