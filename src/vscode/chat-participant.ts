// @switchyard in the editor's own chat: /review, /translate, /explain, or anything. The same tasks and rules; nothing leaves
// through it: its app has nobody to ask.
import * as vscode from "vscode";
import * as z from "zod/mini";
import type { Badge } from "../core/answer.ts";
import { createTally } from "../core/tally.ts";
import type { Ask, Source, TaskKind, Turn } from "../core/task.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { signalOf } from "./cancellation.ts";
import { fromRange, gatherSources, readFile } from "./gather-sources.ts";
import type { LazyApp } from "./lazy-app.ts";
import { say } from "./say.ts";

const kinds: Readonly<Record<string, TaskKind>> = { review: "review", translate: "translate", explain: "explain" };

/** What an answer was about, kept with it: a conversation that held a local-only text stays local. */
const about = z.object({ sources: z.array(z.object({ uri: z.string(), label: z.string() })) });

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
  // Also of an answer that is broken off: what there is of it tells of its texts.
  let metadata: z.infer<typeof about> = { sources: [] };
  try {
    const ask = await askOf(request, context);
    metadata = { sources: ask.sources.map(({ uri, label }) => ({ uri, label })) };
    for await (const event of (await app.get()).run(ask, signal)) {
      tally.see(event);
      if (event.kind === "text") stream.markdown(event.text);
      else if (event.kind === "notice") stream.progress(say(event.text));
      else if (event.kind === "routed") stream.progress(vscode.l10n.t("Asking {0}", event.route.model));
    }
    const badge = tally.badge("done");
    if (badge) stream.markdown(`\n\n*${factsOf(badge)}*`);
    return { metadata };
  } catch (error) {
    if (isAbort(error)) return { metadata };
    if (error instanceof TaskError) return { metadata, errorDetails: { message: say(error.text) } };
    throw error;
  }
}

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
  const { sources } = about.safeParse(turn.result.metadata).data ?? { sources: [] };
  return text === "" ? [] : [{ role: "assistant", text, sources }];
}

function factsOf({ route, tokensPerSecond, costUsd }: Badge): string {
  return [
    route.model,
    route.backend,
    ...(tokensPerSecond === undefined ? [] : [vscode.l10n.t("{0} tok/s", Math.round(tokensPerSecond))]),
    ...(costUsd === undefined ? [] : [`$${costUsd.toFixed(4)}`]),
  ].join(" · ");
}
