// The key of Claude: in the editor's secret storage, else in the environment; never in settings.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { reasonOf } from "../core/reason-of.ts";
import { TaskError } from "../core/task-error.ts";
import { inform } from "./inform.ts";
import { say } from "./say.ts";

const storageKey = "switchyard.claudeKey";

export async function readClaudeKey(secrets: vscode.SecretStorage): Promise<string | undefined> {
  return (await secrets.get(storageKey)) || process.env["ANTHROPIC_API_KEY"] || undefined;
}

/** Asks for the key until Claude accepts one, which is kept, or the person leaves. */
export async function setClaudeKey(secrets: vscode.SecretStorage, app: () => Promise<App>): Promise<void> {
  const loaded = await app();
  const check = (signal: AbortSignal) => loaded.checkClaudeKey(AbortSignal.any([signal, AbortSignal.timeout(limitMs)]));
  // It refuses at once where Offline is on: no key is typed in vain.
  if (loaded.settings().offline) await check(new AbortController().signal);
  if (!(await askUntil((key, signal) => keepIfGood(secrets, key, () => check(signal))))) return;
  inform(
    vscode.l10n.t(
      "Claude is connected. Complex reasoning is offered to it; you are asked each time before anything is sent.",
    ),
  );
}

const limitMs = 20_000;

/** The check reads the key where it is kept. @throws what the check throws; the key of before is back then */
async function keepIfGood(secrets: vscode.SecretStorage, key: string, check: () => Promise<void>): Promise<void> {
  const before = await secrets.get(storageKey);
  await secrets.store(storageKey, key);
  try {
    await check();
  } catch (error) {
    if (before) await secrets.store(storageKey, before);
    else await secrets.delete(storageKey);
    throw error;
  }
}

/**
 * The box stays, with what was typed and what is wrong with it, until a key is accepted.
 * @returns false when the person left; what was being checked is broken off then
 */
function askUntil(accept: (key: string, signal: AbortSignal) => Promise<void>): Promise<boolean> {
  const box = vscode.window.createInputBox();
  box.title = vscode.l10n.t("Set Claude API Key");
  const about = vscode.l10n.t(
    "It is kept in the secret storage of this editor. Nothing is sent to Claude without your consent.",
  );
  box.prompt = about;
  box.placeholder = "sk-ant-…";
  box.password = true;
  box.ignoreFocusOut = true;
  const left = new AbortController();
  const complain = (text: string) => {
    box.validationMessage = text;
  };
  const tryIt = async (): Promise<boolean> => {
    const key = box.value.trim();
    if (key === "" || hasBlanks(key)) return false;
    Object.assign(box, { enabled: false, busy: true, prompt: vscode.l10n.t("Checking the key…") });
    try {
      await accept(key, left.signal);
      return true;
    } catch (error) {
      if (!left.signal.aborted) complain(error instanceof TaskError ? say(error.text) : reasonOf(error));
      return false;
    } finally {
      Object.assign(box, { enabled: true, busy: false, prompt: about });
    }
  };
  return new Promise((resolve) => {
    box.onDidChangeValue((text) => complain(hasBlanks(text) ? vscode.l10n.t("A key has no blanks in it.") : ""));
    box.onDidAccept(async () => {
      if (!(await tryIt())) return;
      resolve(true);
      box.hide();
    });
    box.onDidHide(() => {
      left.abort();
      box.dispose();
      resolve(false);
    });
    box.show();
  });
}

const hasBlanks = (text: string) => /\s/.test(text.trim());

export async function removeClaudeKey(secrets: vscode.SecretStorage): Promise<void> {
  await secrets.delete(storageKey);
  const text = process.env["ANTHROPIC_API_KEY"]
    ? vscode.l10n.t("The key is removed. The environment still has one in ANTHROPIC_API_KEY.")
    : vscode.l10n.t("The key is removed.");
  inform(text);
}
