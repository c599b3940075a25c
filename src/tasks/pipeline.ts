// One task's way: ask → classify → policy → route → context check → cache → leave → backend → answer events.
// Nothing goes back up it.
import type { AnswerEvent } from "../core/answer.ts";
import type { AnswerCache } from "../core/answer-cache.ts";
import type { InstalledModel } from "../core/backend.ts";
import { isAnswerBegun } from "../core/chat-message.ts";
import type { Classifier } from "../core/classify.ts";
import type { LocalOnlyPart, PrivacyRule } from "../core/local-only.ts";
import { msg } from "../core/message.ts";
import { picturesOf } from "../core/pictures.ts";
import { allowedModels, isLocalPlace, localOnlyParts, refuseModel, refuseToLeave } from "../core/policy.ts";
import { chooseRoute, type Ranks, type Route, type World, wasNamed } from "../core/route.ts";
import { beside, type Stream, stream, type Take, through } from "../core/stream.ts";
import type { Ask, Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import type { Turns } from "../core/turns.ts";
import { requestsOf } from "./ask-model.ts";
import { withCodeChecked } from "./check-code.ts";
import { type LeaveParts, openWay, type Run, recordAway } from "./leave.ts";
import { type Job, type PrepareParts, prepare } from "./prepare.ts";
import { createMemory, type Memory } from "./remember.ts";
import type { ModelNode, RunOnNodes } from "./run-on-nodes.ts";
import { runSteps } from "./run-steps.ts";

export interface PipelineParts extends PrepareParts, LeaveParts {
  readonly classify: Classifier;
  readonly findWorld: (signal: AbortSignal) => Promise<World>;
  /** The rule that keeps the text of a file here. */
  readonly privacyOf: (uri: string) => Promise<PrivacyRule | undefined>;
  /** The rule of a file that a text itself tells it is from. */
  readonly privacyIn: (source: Source) => Promise<PrivacyRule | undefined>;
  readonly cache: AnswerCache;
  /** SHA-256, or as good. */
  readonly hash: (text: string) => string;
  readonly turns: Pick<Turns, "take">;
  readonly ranks?: Ranks;
  readonly runOnNodes: RunOnNodes;
}

export interface Pipeline {
  /** Where the ask would run and why; nothing is sent. */
  preview(ask: Ask, signal: AbortSignal): Promise<Route>;
  run(ask: Ask, signal: AbortSignal): AsyncIterable<AnswerEvent>;
}

export function createPipeline(parts: PipelineParts): Pipeline {
  const memory = createMemory(parts.cache, parts.nowMs, parts.hash);
  return {
    preview: async (ask, signal) => (await settle(ask, parts, signal)).route,
    run: (ask, signal) =>
      stream(async (take) => {
        const settled = await settle(ask, parts, signal);
        await take({ kind: "routed", route: settled.route });
        const first = await prepare(settled.ask, settled.route, settled.world, parts);
        // What is known leaves nothing and costs nothing: there is nothing to ask the person.
        const isElsewhere = first.model.place !== "this-machine";
        const known = isElsewhere && mayRecall(settled.ask, parts) ? await memory.known(first) : undefined;
        if (known) {
          for (const event of known) await take(event);
          return;
        }
        const way = await openWay(departure(settled, first, parts), parts, signal);
        if (way && (await answered(settled, first, way, { memory, parts }, take, signal))) return;
        const instead = settleHere(settled, parts);
        const { model } = settled.route;
        await take({
          kind: "notice",
          text: way
            ? msg("{0} takes no questions now; a model on this machine answers.", model)
            : msg("Nothing was sent to {0}; a model on this machine answers.", model),
        });
        await take({ kind: "routed", route: instead.route });
        const job = await prepare(instead.ask, instead.route, instead.world, parts);
        await through(runHere(instead, job, localRun(instead, job, parts), { memory, parts }, signal), take);
      }),
  };
}

interface Kept {
  readonly memory: Memory;
  readonly parts: PipelineParts;
}

/** @returns false where nothing was shown because it was too busy elsewhere, and a model on this machine can answer */
async function answered(
  settled: Settled,
  job: Job,
  way: Run,
  kept: Kept,
  take: Take<AnswerEvent>,
  signal: AbortSignal,
): Promise<boolean> {
  const { route } = settled;
  if (route.role === "reasoning" && route.place !== "cloud")
    await take({ kind: "notice", text: whyReasoningStays(route, kept.parts) });
  let isShown = false;
  try {
    await beside(runHere(settled, job, way, kept, signal), take, (event) => {
      isShown ||= shows(event);
      return take(event);
    });
    return true;
  } catch (error) {
    if (isShown || !couldHere(error, settled, kept.parts)) throw error;
    return false;
  }
}

/** An ask whose texts are marked, in a world of models that may see it, and where it goes. */
interface Settled {
  readonly ask: Ask;
  readonly world: World;
  readonly route: Route;
}

async function settle(raw: Ask, parts: PipelineParts, signal: AbortSignal): Promise<Settled> {
  refuseEmpty(raw);
  const ask = await markLocalOnly(raw, parts);
  const kept = localOnlyParts(ask, parts.settings());
  const classification = parts.classify(ask);
  const world = await parts.findWorld(signal).catch((error: unknown) => {
    throw kept.length > 0 && error instanceof TaskError && error.kind === "server-unreachable"
      ? refuseToLeave(kept, error)
      : error;
  });
  const allowed = { ...world, models: allowedModels(world.models, kept, parts.settings()) };
  refuseNamed(ask, kept, world, allowed);
  try {
    const route = chooseRoute(ask, classification, allowed, parts.settings(), parts.ranks);
    return { ask, world: allowed, route: kept.length > 0 ? { ...route, localOnly: kept } : route };
  } catch (error) {
    const couldElsewhere = allowed.models.length < world.models.length;
    if (couldElsewhere && error instanceof TaskError && error.kind === "model-missing")
      throw refuseToLeave(kept, error);
    throw error;
  }
}

/** The person did not let it go: what can answer here does. Where they had named the model, the task is over. */
function settleHere({ ask, world, route }: Settled, parts: PipelineParts): Settled {
  const settings = parts.settings();
  if (wasNamed(ask, route, settings)) {
    throw new DOMException("The person did not allow the text to leave", "AbortError");
  }
  const here = { ...world, models: world.models.filter((model) => model.place === "this-machine") };
  return { ask, world: here, route: chooseRoute(ask, route.classification, here, settings) };
}

/** Whether what is too busy elsewhere is answered here instead: where nobody named the model, and one is here. */
function couldHere(error: unknown, settled: Settled, parts: PipelineParts): boolean {
  if (settled.route.place !== "cloud" || !(error instanceof TaskError) || !error.details.isBusy) return false;
  try {
    settleHere(settled, parts);
    return true;
  } catch {
    return false;
  }
}

function refuseEmpty(ask: Ask): void {
  const isSaid = ask.text.trim() !== "" || ask.sources.some((source) => source.text.trim() !== "");
  // A picture, or what a call came to, is something as well.
  if (!isSaid && picturesOf(ask).length === 0 && !ask.ownPrompt?.messages?.length) {
    throw new TaskError("bad-input", msg("There is nothing to work on: type a question, or select some text first."));
  }
}

/** Marks every text that came from a file with the rule that keeps it here; what a host says of it can only add. */
async function markLocalOnly(
  ask: Ask,
  { privacyOf, privacyIn }: Pick<PipelineParts, "privacyOf" | "privacyIn">,
): Promise<Ask> {
  const { textUri, text } = ask;
  if (ask.sources.length === 0 && textUri === undefined && !ask.history.some((turn) => turn.sources)) return ask;
  const ruleOf = async (source: Source) =>
    source.localOnly ?? (await privacyOf(source.uri)) ?? (await privacyIn(source));
  const ofText = textUri && (await ruleOf({ uri: textUri, label: "", text, origin: "stdin" }));
  const sources = await Promise.all(
    ask.sources.map(async (source) => {
      const rule = await ruleOf(source);
      return rule ? { ...source, localOnly: rule } : source;
    }),
  );
  const history = await Promise.all(
    ask.history.map(async (turn) => {
      const found = await Promise.all(
        (turn.sources ?? []).map(async ({ uri, label }): Promise<readonly LocalOnlyPart[]> => {
          const rule = await privacyOf(uri);
          return rule ? [{ label, rule }] : [];
        }),
      );
      const kept = [...(turn.localOnly ?? []), ...found.flat()];
      return kept.length > 0 ? { ...turn, localOnly: kept } : turn;
    }),
  );
  return { ...ask, sources, history, ...(ofText && !ask.localOnly ? { localOnly: ofText } : {}) };
}

/** A model that was named, and may not see this. */
function refuseNamed(ask: Ask, kept: readonly LocalOnlyPart[], world: World, allowed: World): void {
  if (ask.model === undefined || kept.length === 0) return;
  const isNamed = (model: { readonly name: string }) => model.name === ask.model;
  if (world.models.some(isNamed) && !allowed.models.some(isNamed)) throw refuseModel(ask.model, kept);
}

/** Runs requests on whichever server that has the model, and may see the prompt, is best now. */
function localRun({ ask, route, world }: Settled, job: Job, parts: PipelineParts): Run {
  const sent = { ask, route, countTokens: job.countTokens };
  // For each request anew: what may see the prompt may have changed since the one before.
  return (request, signal) => {
    const nodes = nodesOf(job, world, parts);
    const able = isAnswerBegun(request.messages) ? nodes.filter((node) => node.model.goesOn) : nodes;
    return parts.runOnNodes(recordAway(able, sent, parts), request, signal);
  };
}

/** Of a model that is not here and not on a host of the person's own, the one server that they were told of. */
function nodesOf({ model, backend, base }: Job, world: World, parts: PipelineParts): readonly ModelNode[] {
  const settings = parts.settings();
  const own = { model, backend };
  if (!isLocalPlace(model, settings)) return [own];
  const isSame = (other: InstalledModel) =>
    other.name === model.name &&
    other.backend !== model.backend &&
    (other.digest ?? model.digest) === (model.digest ?? other.digest) &&
    (other.contextTokens ?? base.contextTokens) >= base.contextTokens;
  const others = world.models
    .filter((other) => isSame(other) && isLocalPlace(other, settings))
    .flatMap((other): readonly ModelNode[] => {
      const server = world.backends.get(other.backend);
      return server ? [{ model: other, backend: server }] : [];
    });
  return [own, ...others];
}

function departure(settled: Settled, job: Job, parts: PipelineParts) {
  const { ask, route } = settled;
  return {
    here: localRun(settled, job, parts),
    ask,
    route,
    model: job.model,
    backend: job.backend,
    requests: () => requestsOf(job),
    isNamed: wasNamed(ask, route, parts.settings()),
    countTokens: job.countTokens,
  };
}

function runHere(
  settled: Settled,
  job: Job,
  way: Run,
  { memory, parts }: Kept,
  signal: AbortSignal,
): AsyncIterable<AnswerEvent> {
  const { ask, route } = settled;
  const servers = nodesOf(job, settled.world, parts).length;
  const turn = { kind: route.task, client: ask.client ?? "", servers };
  // Another program sees to its own answers; translations have no code of the model's, reviews their own form.
  const hasCode = !ask.ownPrompt && route.task !== "translate" && route.task !== "review";
  const events = () => tellWhoAnswers(runSteps(job, way, signal), settled);
  const checked = () => (hasCode ? withCodeChecked(events()) : events());
  const answer = () => parts.turns.take(turn, checked, signal);
  return mayRecall(settled.ask, parts) ? memory.recall(job, answer, signal) : answer();
}

function mayRecall(ask: Ask, { settings }: PipelineParts): boolean {
  return settings().cache && !ask.isFresh;
}

/** `routed` again where another server takes it than was thought, as long as nothing is shown. */
function tellWhoAnswers(events: AsyncIterable<AnswerEvent>, { route, world }: Settled): Stream<AnswerEvent> {
  return stream((take) => {
    let told = route.backend;
    let isShown = false;
    return beside(events, take, (event) => {
      isShown ||= shows(event);
      if (event.kind !== "answering") return take(event);
      if (event.backend === told || isShown) return undefined;
      told = event.backend;
      const place = world.models.find(({ backend }) => backend === told)?.place ?? route.place;
      return take({ kind: "routed", route: { ...route, backend: told, place } });
    });
  });
}

function shows({ kind }: AnswerEvent): boolean {
  return kind === "text" || kind === "thinking" || kind === "finding" || kind === "tool-call";
}

function whyReasoningStays({ model, localOnly }: Route, parts: PipelineParts) {
  if (localOnly) return msg("Complex reasoning runs on the local model {0}: this text may not leave.", model);
  return parts.settings().cloudReasoning === "never"
    ? msg("Complex reasoning runs on the local model {0}, as set.", model)
    : msg("Complex reasoning runs on the local model {0}: no cloud model is connected.", model);
}
