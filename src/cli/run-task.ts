// Runs one ask and prints it as it comes.

import { withoutCredentials } from "../core/addresses.ts";
import type { AnswerEvent } from "../core/answer.ts";
import type { App } from "../core/app.ts";
import type { Finding } from "../core/finding.ts";
import { loadingText, waitingText } from "../core/names.ts";
import { reasonOf } from "../core/reason-of.ts";
import type { Route } from "../core/route.ts";
import { createTally } from "../core/tally.ts";
import type { Ask } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { isUnsure, likelyKinds } from "../core/unsure.ts";
import { badgeLine, type Terminal } from "./terminal.ts";

export type OutputForm = "text" | "json" | "stream-json";

export interface TaskResult {
  readonly text: string;
  readonly findings: readonly Finding[];
  /** 0 where no model had to be asked. */
  readonly answerTokens: number;
  /** A part of it did not come in the form that was asked for, or nothing came. */
  readonly isMalformed: boolean;
}

/** @param show whether the text goes to standard output; a translation to a file does not */
export async function runTask(
  app: App,
  ask: Ask,
  form: OutputForm,
  terminal: Terminal,
  signal: AbortSignal,
  show = true,
): Promise<TaskResult> {
  const tally = createTally(() => performance.now());
  const findings: Finding[] = [];
  const notices: string[] = [];
  let text = "";
  let hasFailed = false;
  let isMalformed = false;
  let before: AnswerEvent["kind"] | undefined;
  let outcome: "done" | "stopped" | "failed" = "failed";
  let failure: { readonly error?: { readonly kind: string; readonly message: string } } = {};
  try {
    for await (const event of app.run(ask, signal)) {
      tally.see(event);
      if (form === "stream-json") terminal.writeJson(event);
      if (event.kind === "text") {
        text += event.text;
        if (form === "text" && show) terminal.show(event.text);
      }
      if (event.kind === "finding") findings.push(event.finding);
      if (event.kind === "notice") notices.push(terminal.say(event.text));
      if (form === "text") noteEvent(event, before, terminal);
      before = event.kind;
      hasFailed ||= event.kind === "notice" && event.failed !== undefined;
      isMalformed ||= event.kind === "notice" && event.failed === "form";
    }
    outcome = "done";
    if (text.trim() === "" && findings.length === 0 && !isMalformed) {
      isMalformed = true;
      notices.push(terminal.t("The model gave no answer. Ask it again, or another one: --model"));
      if (form === "text") terminal.note(notices.at(-1) ?? "");
    }
    const route = tally.badge("done")?.route;
    if (hasFailed && route && form === "text") await offerBetter(app, route, terminal, signal);
  } catch (error) {
    if (signal.aborted) outcome = "stopped";
    else failure = { error: failureOf(error, terminal) };
    if (form === "stream-json") terminal.writeJson({ kind: outcome, ...failure });
    throw error;
  } finally {
    const badge = tally.badge(outcome);
    if (form === "text" && show && text !== "" && !text.endsWith("\n")) terminal.write("\n");
    if (form === "text" && badge) terminal.note(badgeLine(badge, terminal));
    if (form === "json") terminal.writeJson({ text, findings, notices, outcome, ...failure, badge });
  }
  return { text, findings, answerTokens: tally.badge(outcome)?.answerTokens ?? 0, isMalformed };
}

/** A shell asks nobody by itself; it names who could do better. */
async function offerBetter(app: App, route: Route, { note, t }: Terminal, signal: AbortSignal): Promise<void> {
  if (app.settings().escalation === "off") return;
  const better = await app.better(route, signal).catch(() => undefined);
  if (better) note(t("A check found fault with this answer. A better model for it: --model {0}", better.name));
}

function failureOf(error: unknown, { say }: Terminal) {
  if (error instanceof TaskError) return { kind: error.kind, message: say(error.text) };
  return { kind: "internal", message: withoutCredentials(reasonOf(error)) };
}

/** @param before kind of the event before it: a log is told once that a model is loading, a terminal how far it is */
function noteEvent(event: AnswerEvent, before: AnswerEvent["kind"] | undefined, terminal: Terminal): void {
  const { note, progress, say, t } = terminal;
  if (event.kind === "routed" && isUnsure(event.route.classification)) {
    const kinds = likelyKinds(event.route.classification).map((kind) => `--task ${kind}`);
    note(t("Not sure what kind of task this is; a generalist answers. To say it: {0}", kinds.join(", ")));
  }
  if (event.kind === "notice") note(say(event.text));
  if (event.kind === "loading" && before !== "loading" && !process.stderr.isTTY)
    note(say(loadingText({ model: event.model })));
  const waiting = event.kind === "waiting" ? say(waitingText(event.before)) : "";
  if (waiting !== "" && before !== "waiting" && !process.stderr.isTTY) note(waiting);
  if (event.kind === "loading") progress(say(loadingText(event)));
  else if (event.kind === "writing") progress(t("Writing: {0} tokens so far", event.answerTokens));
  else if (event.kind === "progress") progress(t("{0} of {1} parts", event.done, event.total));
  else progress(waiting);
}
