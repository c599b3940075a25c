// The only way out: what goes to a model that is not on this machine is shown, allowed, masked, paid for and recorded
// before it is sent.
import type { Backend, InstalledModel, ModelRequest } from "../core/backend.ts";
import { costUsd, type PriceRange, priceRange, refuseOverBudget, refuseUnknownSpending } from "../core/cost.ts";
import type { LeaveAnswer, LeaveQuestion, SecretAtRisk } from "../core/leave.ts";
import type { LedgerEntry, SentSource } from "../core/ledger.ts";
import type { PrivacyRule } from "../core/local-only.ts";
import type { AnswerStats, ModelEvent } from "../core/model-event.ts";
import { sizeOf } from "../core/pictures.ts";
import { isLocalPlace, isTrustedHost, localOnlyParts, refuseModel } from "../core/policy.ts";
import type { Route } from "../core/route.ts";
import { findSecrets } from "../core/secrets/find.ts";
import { type MaskedTexts, maskSecrets } from "../core/secrets/mask.ts";
import { spendingOf } from "../core/spending.ts";
import { type Stream, stream, through } from "../core/stream.ts";
import type { Ask } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { budgetsOf, onRecord, type Progress, type RecordParts, type Sending, unsent } from "./on-record.ts";
import { mapTexts, textsOf, withTexts } from "./request-texts.ts";
import type { ModelNode } from "./run-on-nodes.ts";

export interface LeaveParts extends RecordParts {
  /** Puts the question to the person. A host that cannot ask refuses. */
  readonly mayLeave: (question: LeaveQuestion, signal: AbortSignal) => Promise<LeaveAnswer>;
  /** The rule of an open window that keeps an ask here now; absent: there are none. */
  readonly heldNow?: (ask: Ask) => PrivacyRule | undefined;
  readonly askedBy: LedgerEntry["askedBy"];
  readonly nowMs: () => number;
  /** Hosts of the installation that this is a part of, such as the other containers: nothing leaves there. Absent: none. */
  readonly ownHosts?: ReadonlySet<string>;
}

/** What is to be sent for one task. */
export interface Departure {
  readonly ask: Ask;
  readonly route: Pick<Route, "task" | "localOnly">;
  readonly model: InstalledModel;
  readonly backend: Backend;
  readonly requests: () => readonly ModelRequest[];
  /** Nobody else may answer, for the person named the model. */
  readonly isNamed: boolean;
  /** Runs them where nothing leaves: on this machine and on hosts of the person's own. */
  readonly here: Run;
  readonly countTokens: (prompt: Pick<ModelRequest, "messages" | "toolUse">) => number;
}

/** Runs a request of the task it was given for. */
export type Run = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<ModelEvent>;

/**
 * How the requests of a task are run; undefined where the person refused. Models on this machine are run as they are.
 * @throws TaskError `local-only`, `cloud-limit`
 */
export async function openWay(departure: Departure, parts: LeaveParts, signal: AbortSignal): Promise<Run | undefined> {
  const { here, model } = departure;
  if (model.place === "this-machine") return here;
  refuseKept(departure, parts);
  // A host of the person's own may have what this machine may: nobody is asked, and it is recorded on its way.
  if (model.place === "network" && isTrustedHost(model.host, parts.settings())) {
    return (request, each) => {
      refuseKept(departure, parts);
      return here(request, each);
    };
  }
  const question = describeDeparture(departure);
  await refuseOverBudgetOf(question.price, parts);
  const answer: LeaveAnswer =
    question.needsConsent || question.secrets.length > 0
      ? await parts.mayLeave(question, signal)
      : { kind: "allow", by: "once", secrets: "mask" };
  signal.throwIfAborted();
  if (answer.kind === "refuse") return undefined;
  const allowedBy = question.needsConsent ? answer.by : "network";
  return (request, each) => send(departure, request, { allowedBy, masks: answer.secrets === "mask" }, parts, each);
}

/** The same servers; what goes to one that is not this machine is recorded, whoever chose it and whether it was asked about or not. */
export function recordAway(
  nodes: readonly ModelNode[],
  sent: Omit<Departure, "model" | "backend" | "requests" | "here" | "isNamed">,
  parts: LeaveParts,
): readonly ModelNode[] {
  return nodes.map((node) => {
    const { model, backend } = node;
    const allowedBy = allowedAway(model, parts);
    if (allowedBy === undefined) return node;
    const run: Run = (request, signal) =>
      send({ ...sent, model, backend }, request, { allowedBy, masks: false }, parts, signal);
    return { ...node, run };
  });
}

/** What allows that nobody is asked about a server that is not this machine; undefined where nothing leaves. */
export function allowedAway({ place, host }: InstalledModel, { ownHosts, settings }: LeaveParts): string | undefined {
  if (place === "this-machine" || ownHosts?.has(host ?? "")) return undefined;
  return isTrustedHost(host, settings()) ? "trustedHosts" : "network";
}

/** Asked before each request: a rule may have begun to hold since the first one, or while the person was asked. */
function refuseKept({ ask, route, model }: Pick<Departure, "ask" | "route" | "model">, parts: LeaveParts): void {
  const settings = parts.settings();
  const rule = parts.heldNow?.(ask);
  const kept = [...(route.localOnly ?? []), ...localOnlyParts(rule ? { ...ask, localOnly: rule } : ask, settings)];
  if (kept.length > 0 && !isLocalPlace(model, settings)) throw refuseModel(model.name, kept);
}

function describeDeparture({ ask, model, requests: plan, countTokens, isNamed }: Departure): LeaveQuestion {
  const requests = plan();
  const promptTokens = requests.reduce((sum, request) => sum + countTokens(request), 0);
  const answerTokens = requests.reduce((sum, request) => sum + (request.maxTokens ?? 0), 0);
  const price = model.place === "cloud" ? priceRange(model.name, promptTokens, answerTokens) : undefined;
  return {
    model: model.name,
    backend: model.backend,
    destination: destinationOf(model),
    needsConsent: model.place === "cloud",
    isUnbidden: ask.isUnbidden === true,
    isNamed,
    sources: ask.sources.map((source) => ({ ...sentSource(source), label: source.label })),
    turns: ask.history.length,
    requests: requests.length,
    promptTokens,
    ...(price ? { price } : {}),
    secrets: secretsAtRisk(ask, requests),
    pictures: sizeOf([...new Set(requests.flatMap(picturesIn))]),
  };
}

const picturesIn = ({ messages }: ModelRequest) => messages.flatMap(({ images = [] }) => images);

export function destinationOf(model: InstalledModel): string {
  return model.host ?? model.backend;
}

function sentSource({ uri, startLine, text }: Ask["sources"][number]): SentSource {
  if (startLine === undefined) return { uri };
  return { uri, startLine, endLine: startLine + text.replace(/\r?\n$/, "").split("\n").length - 1 };
}

/** At most, and never more than a quarter of the value. */
const previewLength = 4;

/** In the files that are sent, each with its place; then in whatever else is in the prompts. */
function secretsAtRisk(ask: Ask, requests: readonly ModelRequest[]): readonly SecretAtRisk[] {
  const seen = new Set<string>();
  const risks: SecretAtRisk[] = [];
  const look = (text: string, place: (line: number) => Partial<SecretAtRisk>) => {
    for (const { start, end, label, line } of findSecrets(text)) {
      const value = text.slice(start, end);
      if (seen.has(value)) continue;
      seen.add(value);
      risks.push({ label, preview: `${value.slice(0, Math.min(previewLength, value.length >> 2))}…`, ...place(line) });
    }
  };
  for (const source of ask.sources) {
    look(source.text, (line) => ({ source: source.label, uri: source.uri, line: (source.startLine ?? 1) + line - 1 }));
  }
  for (const request of requests) for (const text of textsOf(request)) look(text, () => ({}));
  return risks;
}

/** Before the person is asked; what counts is looked at again with the entry of each request. */
export async function refuseOverBudgetOf(
  price: PriceRange | undefined,
  parts: RecordParts & Pick<LeaveParts, "nowMs">,
): Promise<void> {
  if (!price) return;
  const { todayUsd, monthUsd } = await spendingOf(parts.ledger, parts.nowMs());
  // Asked second: it may have been found broken just now.
  refuseUnknownSpending(await parts.ledger.lostRecord(parts.nowMs()));
  refuseOverBudget(price.maxUsd, { spentTodayUsd: todayUsd, spentMonthUsd: monthUsd, ...budgetsOf(parts.settings()) });
}

interface Permission {
  readonly allowedBy: string;
  readonly masks: boolean;
}

function send(
  departure: Omit<Departure, "requests" | "here" | "isNamed">,
  request: ModelRequest,
  { allowedBy, masks }: Permission,
  parts: LeaveParts,
  signal: AbortSignal,
): Stream<ModelEvent> {
  return stream((take) => {
    const { model, backend } = departure;
    refuseKept(departure, parts);
    const masked = masks ? maskSecrets(textsOf(request)) : undefined;
    const sent = masked ? withTexts(request, masked.texts) : request;
    const entry = { ...entryOf(departure, sent, parts), allowedBy, maskedSecrets: masked?.count ?? 0 };
    const costs = model.place === "cloud";
    let isAsked = false;
    // Until a body goes out it is what will be said; a server may be asked more than once.
    let bytes = 0;
    const beforeSending = async (more: number) => {
      bytes += more;
      if (costs) await parts.ledger.append({ ...entry, bytes });
      else parts.ledger.note({ ...entry, bytes });
    };
    // Budgets are looked at once more: a second try, for one, was not in the sum that was asked about.
    const sending: Sending<ModelEvent> = {
      entry,
      costs,
      run: () => {
        signal.throwIfAborted();
        isAsked = true;
        return unmasked(backend.run(sent, signal, beforeSending), masked);
      },
      progressOf: (event) => (event.kind === "done" ? { ...counted(event.stats, model), outcome: "done" } : undefined),
      ended: (how) => {
        if (!isAsked) return unsent;
        const gone = bytes > 0 ? { bytes } : {};
        const isFree = how.kind === "failed" && how.error instanceof TaskError && how.error.details.isUnpaid;
        return isFree ? { ...gone, ...free } : gone;
      },
    };
    return through(onRecord(sending, parts), take);
  });
}

function entryOf(
  { ask, route, model, countTokens }: Omit<Departure, "requests" | "here" | "isNamed">,
  sent: ModelRequest,
  { askedBy, nowMs }: LeaveParts,
): Omit<LedgerEntry, "allowedBy" | "maskedSecrets"> {
  const promptTokens = countTokens(sent);
  const price = model.place === "cloud" ? priceRange(model.name, promptTokens, sent.maxTokens ?? 0) : undefined;
  const pictures = sizeOf(picturesIn(sent));
  return {
    id: crypto.randomUUID(),
    atMs: nowMs(),
    destination: destinationOf(model),
    model: model.name,
    task: route.task,
    askedBy,
    sources: ask.sources.map(sentSource),
    bytes: bytesOf(sent),
    promptTokens,
    answerTokens: 0,
    costUsd: price?.maxUsd ?? 0,
    ...(pictures.count > 0 ? { pictures } : {}),
    outcome: "sent",
  };
}

const free: Progress = { costUsd: 0 };

/** Of all that is said: tools and the form of the answer as well. */
function bytesOf({ messages, toolUse, format }: ModelRequest): number {
  const parts = [messages, toolUse, format].filter((part) => part !== undefined);
  return new TextEncoder().encode(JSON.stringify(parts.length > 1 ? parts : messages)).length;
}

function counted(stats: AnswerStats, model: InstalledModel) {
  const { promptTokens, answerTokens, usage } = stats;
  const cost = model.place === "cloud" && usage ? costUsd(model.name, usage) : undefined;
  return { promptTokens, answerTokens, costUsd: cost ?? 0 };
}

/** Puts the real values back into the answer. */
function unmasked(events: AsyncIterable<ModelEvent>, masked: MaskedTexts | undefined): AsyncIterable<ModelEvent> {
  return masked && masked.count > 0 ? restored(events, masked) : events;
}

/** Also where a placeholder comes in pieces. */
async function* restored(events: AsyncIterable<ModelEvent>, masked: MaskedTexts): AsyncIterable<ModelEvent> {
  const restorer = masked.createRestorer();
  const thoughts = masked.createRestorer();
  for await (const event of events) {
    if (event.kind === "text" || event.kind === "thinking") {
      const text = (event.kind === "text" ? restorer : thoughts).push(event.text);
      if (text !== "") yield { kind: event.kind, text };
      continue;
    }
    if (event.kind === "tool-call") {
      const restored = mapTexts(event.call.arguments, (text) => masked.restore(text));
      yield { ...event, call: { ...event.call, arguments: restored } };
      continue;
    }
    if (event.kind === "done") {
      const rest = restorer.end();
      if (rest !== "") yield { kind: "text", text: rest };
    }
    yield event;
  }
}
