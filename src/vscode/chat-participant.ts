// @switchyard in the editor's own chat: /review, /translate, /explain, or anything. The same tasks and rules; nothing leaves
// through it: its app has nobody to ask.
import * as vscode from "vscode";
import * as z from "zod/mini";
import type { AnswerEvent, Badge } from "../core/answer.ts";
import type { Finding } from "../core/finding.ts";
import { isOfFile } from "../core/local-only.ts";
import { loadingText, outcomeName, waitingText } from "../core/names.ts";
import type { Route } from "../core/route.ts";
import { createTally } from "../core/tally.ts";
import type { Ask, Source, TaskKind, Turn } from "../core/task.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { badgeText } from "./badge-text.ts";
import { signalOf } from "./cancellation.ts";
import { fromRange, gatherSources, readFile } from "./gather-sources.ts";
import type { LazyApp } from "./lazy-app.ts";
import { say } from "./say.ts";

const kinds: Readonly<Record<string, TaskKind>> = { review: "review", translate: "translate", explain: "explain" };

/**
 * Kept with an answer. What it was about: a conversation that held a local-only text stays local. How many characters of
 * it the model said: what is added below is not told to the next one as its own words.
 */
const about = z.object({
  sources: z.array(z.object({ uri: z.string(), label: z.string() })),
  answered: z.number(),
});
type About = z.infer<typeof about>;

export function registerChatParticipant(app: LazyApp, icon: vscode.Uri): vscode.Disposable {
  if (typeof vscode.chat?.createChatParticipant !== "function") return new vscode.Disposable(() => undefined);
  const participant = vscode.chat.createChatParticipant("switchyard.participant", (request, context, stream, token) =>
    respond(app, { request, context, stream, signal: signalOf(token) }),
  );
  participant.iconPath = icon;
  return participant;
}

interface Turns {
  readonly request: vscode.ChatRequest;
  readonly context: vscode.ChatContext;
  readonly stream: vscode.ChatResponseStream;
  readonly signal: AbortSignal;
}

async function respond(app: LazyApp, { request, context, stream, signal }: Turns): Promise<vscode.ChatResult> {
  const tally = createTally(() => performance.now());
  const findings: Finding[] = [];
  const notices: string[] = [];
  // Also of an answer that is broken off: what there is of it tells of its texts.
  let metadata: About = { sources: [], answered: 0 };
  const tell = progressOn(stream);
  try {
    const ask = await askOf(request, context);
    metadata = { ...metadata, sources: ask.sources.map(({ uri, label }) => ({ uri, label })) };
    for await (const event of (await app.get()).run(ask, signal)) {
      tally.see(event);
      tell(event);
      if (event.kind === "finding") findings.push(event.finding);
      if (event.kind === "routed") notices.push(...whatGoesOn(event.route));
      if (event.kind === "notice") notices.push(say(event.text));
      if (event.kind !== "text") continue;
      stream.markdown(event.text);
      metadata = { ...metadata, answered: metadata.answered + event.text.length };
    }
    showPlaces(stream, findings);
    showNotes(stream, notices, tally.badge("done"));
    return { metadata };
  } catch (error) {
    if (isAbort(error)) return { metadata };
    if (!(error instanceof TaskError)) throw error;
    showNotes(stream, notices, undefined);
    return { metadata, errorDetails: { message: say(error.text) } };
  }
}

/** The editor hands the conversation, with this answer, to whichever model is asked next in this chat. */
function whatGoesOn({ localOnly = [] }: Route): readonly string[] {
  const part = localOnly.find(({ rule }) => isOfFile(rule));
  if (!part) return [];
  return [
    vscode.l10n.t(
      "{0} is local only. What you ask in this chat without @switchyard goes to another model, and this answer with it: go on in a new chat.",
      part.label,
    ),
  ];
}

/** What happens before there is something to read. The editor keeps each as a line: each is told once. */
function progressOn(stream: vscode.ChatResponseStream): (event: AnswerEvent) => void {
  let before = "";
  return (event) => {
    const text = progressOf(event);
    if (text === undefined || text === before) return;
    before = text;
    stream.progress(text);
  };
}

function progressOf(event: AnswerEvent): string | undefined {
  if (event.kind === "routed") return vscode.l10n.t("Asking {0}", event.route.model);
  if (event.kind === "loading") return say(loadingText({ model: event.model }));
  if (event.kind === "waiting") return say(waitingText(event.before));
  return event.kind === "notice" ? say(event.text) : undefined;
}

/** Findings stand in the answer; here each is one click from its lines. */
function showPlaces(stream: vscode.ChatResponseStream, findings: readonly Finding[]): void {
  if (findings.length > 0) stream.markdown("\n\n");
  for (const { uri, startLine, endLine } of findings) {
    stream.anchor(new vscode.Location(vscode.Uri.parse(uri), new vscode.Range(startLine - 1, 0, endLine - 1, 0)));
    stream.markdown(" ");
  }
}

/** Progress is folded away by the editor: what has to be known of an answer is below it as well. */
function showNotes(stream: vscode.ChatResponseStream, notices: readonly string[], badge: Badge | undefined): void {
  for (const notice of new Set(notices)) stream.markdown(`\n\n> ${plain(notice)}`);
  if (badge) stream.markdown(`\n\n*${plain(factsOf(badge))}*`);
}

/** `appendText` would do, but for its blanks, at which no line ends. */
const plain = (text: string) => text.replace(/[\\`*_{}[\]()#+\-!<>~|]/g, "\\$&");

async function askOf(request: vscode.ChatRequest, context: vscode.ChatContext): Promise<Ask> {
  const kind = kinds[request.command ?? ""];
  const named = await Promise.all(request.references.map((reference) => sourceOf(reference.value)));
  const given = named.filter((source) => source !== undefined);
  // A command works on what is named, else on what is selected or open.
  const sources = given.length === 0 && kind ? await gatherSources("selection-or-file") : given;
  return {
    ...(kind ? { kind } : {}),
    text: request.prompt,
    sources,
    history: kind ? [] : context.history.flatMap(turnOf),
  };
}

async function sourceOf(value: unknown): Promise<Source | undefined> {
  if (value instanceof vscode.Uri) return readFile(value);
  if (!(value instanceof vscode.Location)) return undefined;
  return fromRange(await vscode.workspace.openTextDocument(value.uri), value.range);
}

function turnOf(turn: vscode.ChatRequestTurn | vscode.ChatResponseTurn): readonly Turn[] {
  if (turn instanceof vscode.ChatRequestTurn) return turn.prompt === "" ? [] : [{ role: "user", text: turn.prompt }];
  const text = turn.response
    .map((part) => (part instanceof vscode.ChatResponseMarkdownPart ? part.value.value : ""))
    .join("");
  const { sources, answered } = about.safeParse(turn.result.metadata).data ?? { sources: [], answered: text.length };
  return answered === 0 ? [] : [{ role: "assistant", text: text.slice(0, answered), sources }];
}

function factsOf(badge: Badge): string {
  return [
    badgeText(badge),
    ...(badge.costUsd === undefined ? [] : [`$${badge.costUsd.toFixed(4)}`]),
    ...(badge.outcome === "cut" ? [say(outcomeName("cut"))] : []),
  ].join(" · ");
}
