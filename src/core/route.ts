import type { Backend, InstalledModel, Place } from "./backend.ts";
import { canChat } from "./can-chat.ts";
import { candidatesFor, fitsMemory, isTag } from "./catalogue.ts";
import type { Classification } from "./classify.ts";
import { usualContextTokens } from "./context.ts";
import type { TextLanguage } from "./language.ts";
import type { LocalOnlyPart } from "./local-only.ts";
import { type Message, msg } from "./message.ts";
import { type Away, nothingInstalled } from "./models-away.ts";
import { roleName } from "./names.ts";
import { can, cannot, hasFailed, type Need, needsOf, notAnswering, nothingCan } from "./needs.ts";
import type { Role } from "./role.ts";
import type { Settings } from "./settings.ts";
import type { Ask, TaskKind } from "./task.ts";
import { isUnsure } from "./unsure.ts";

/** Where a task runs and why; part of every badge. */
export interface Route {
  readonly task: TaskKind;
  readonly classification: Classification;
  readonly role: Role;
  readonly model: string;
  readonly backend: string;
  readonly place: Place;
  /** What in the prompt may not leave this machine, and why; absent: nothing. */
  readonly localOnly?: readonly LocalOnlyPart[];
  /** Why this model, for people: "first choice for code that is installed". */
  readonly why: Message;
  /** What else could have answered, best first. */
  readonly alternatives: readonly Alternative[];
}

export interface Alternative {
  readonly model: string;
  /** Backend that has it; absent: not installed. */
  readonly backend?: string;
  readonly why: Message;
}

/** What the router needs to know of the world; found out by the caller. */
export interface Reachable {
  readonly models: readonly InstalledModel[];
  /** Memory that models may take on this machine, bytes. */
  readonly memoryBytes: number;
  /** Whether there are models in containers that do not run; absent: none that is known of. */
  readonly away?: Away;
  /** Tags that the servers here could get; absent: any. */
  readonly canBeHad?: ReadonlySet<string>;
  /** Whether the person found its answers to this kind of task bad; absent: nothing is known. */
  readonly isDisliked?: (model: string, task: TaskKind) => boolean;
}

/** What can be reached now: models and the servers that have them. */
export interface World extends Reachable {
  readonly backends: ReadonlyMap<string, Backend>;
}

const maxAlternatives = 6;

const roleOfKind: Readonly<Record<TaskKind, Role | "byLanguage">> = {
  review: "code",
  code: "code",
  translate: "translation",
  explain: "byLanguage",
  document: "byLanguage",
  create: "chinese",
  analyze: "reasoning",
  chat: "byLanguage",
};

export function chooseRole(kind: TaskKind, language: TextLanguage, hasImages: boolean): Role {
  if (hasImages) return "vision";
  const role = roleOfKind[kind];
  return role === "byLanguage" ? (language === "zh" ? "chinese" : "general") : role;
}

interface Choice {
  readonly model: InstalledModel;
  readonly why: Message;
}

/**
 * Picks where a task runs: the pinned model, else the best candidate of its role that is installed and fits, else of the
 * general role, else whatever can answer. Complex reasoning goes to the cloud model of the settings where it is among
 * the reachable ones; for all else a model in the cloud has to be named by the person. Pure: the caller has left out
 * the models that may not see the prompt, and asks the person before anything leaves.
 * @throws TaskError `model-missing`, with a model worth getting
 */
export function chooseRoute(
  ask: Ask,
  classification: Classification,
  reachable: Reachable,
  settings: Settings,
  ranks: Ranks = createRanks(),
): Route {
  const { kind, language } = classification;
  const needs = needsOf(ask);
  const role = chooseRole(
    ask.kind === undefined && isUnsure(classification) ? "chat" : kind,
    language,
    needs.includes("vision"),
  );
  const able = reachable.models.filter(canChat);
  const usable = able.filter((model) => needs.every((need) => can(model, need)));
  const cloud = usable.filter((model) => model.place === "cloud");
  const here = usable.filter((model) => model.place !== "cloud");
  const { memoryBytes } = reachable;
  const liked = (choices: readonly Choice[]) => likedFirst(choices, kind, reachable);
  const known = ranks.choices(reachable.models, `${role} ${needs} ${settings.modelProfile} ${memoryBytes}`, () =>
    rank(role, here, memoryBytes, settings),
  );
  const ranked = role === "reasoning" ? [...cloudChoice(cloud, settings), ...liked(known)] : liked(known);
  const failed = able.filter((model) => isOnlyFailed(model, needs));
  const wouldBeFirst = () =>
    failed.find(({ name }) => name === settings.pinnedModels[kind]) ??
    liked(
      rank(
        role,
        able.filter((model) => here.includes(model) || failed.includes(model)),
        memoryBytes,
        settings,
      ),
    )[0]?.model;
  const choice =
    pinned(ask, kind, { usable, able, all: reachable.models, needs }, settings) ??
    insteadOf(failed, wouldBeFirst, ranked[0]);
  if (!choice)
    throw able.length > 0
      ? nothingCan(needs, able, reachable.memoryBytes, settings)
      : nothingInstalled(role, reachable, settings);
  return {
    task: kind,
    classification,
    role,
    model: choice.model.name,
    backend: choice.model.backend,
    place: choice.model.place,
    why: choice.why,
    alternatives: ranks.alternatives(ranked, choice.model, () => alternatives(choice.model, ranked, role, settings)),
  };
}

/** Keeps what was ranked for as long as the list of models is the same: with many, it costs more than all else of routing. */
export interface Ranks {
  choices(models: readonly InstalledModel[], key: string, rank: () => readonly Choice[]): readonly Choice[];
  /** What else there is in a ranking beside the model that was chosen. */
  alternatives(
    ranked: readonly Choice[],
    chosen: InstalledModel,
    find: () => readonly Alternative[],
  ): readonly Alternative[];
}

export function createRanks(): Ranks {
  return { choices: keep(), alternatives: keep() };
}

/** Does the work once for each key, as long as what it was done for is there. */
function keep<Of extends object, Key, Result>(): (of: Of, key: Key, work: () => Result) => Result {
  const known = new WeakMap<Of, Map<Key, Result>>();
  return (of, key, work) => {
    const mine = known.get(of) ?? new Map<Key, Result>();
    known.set(of, mine);
    const result = mine.get(key) ?? work();
    mine.set(key, result);
    return result;
  };
}

/** Nothing but its test keeps the model from what is wanted. */
function isOnlyFailed(model: InstalledModel, needs: readonly Need[]): boolean {
  const isFailed = needs.some((need) => hasFailed(model, need));
  return isFailed && model.place !== "cloud" && needs.every((need) => can(model, need) || hasFailed(model, need));
}

/** Says which model would have had the place of the chosen one, had it not failed its test. */
function insteadOf(
  failed: readonly InstalledModel[],
  wouldBeFirst: () => InstalledModel | undefined,
  choice: Choice | undefined,
): Choice | undefined {
  const first = failed.length > 0 ? wouldBeFirst() : undefined;
  if (!choice || !first || !failed.includes(first)) return choice;
  return { ...choice, why: msg("{0}; {1} called no tool when it was tested", choice.why, first.name) };
}

function cloudChoice(cloud: readonly InstalledModel[], settings: Settings): readonly Choice[] {
  if (settings.cloudReasoning === "never") return [];
  return cloud
    .filter((model) => model.name === settings.cloudModel)
    .map((model) => ({
      model,
      why: msg("complex reasoning is offered to Claude; you are asked before anything is sent"),
    }));
}

interface Able {
  /** Models that can do all the ask wants. */
  readonly usable: readonly InstalledModel[];
  /** Models that can answer at all. */
  readonly able: readonly InstalledModel[];
  readonly all: readonly InstalledModel[];
  readonly needs: readonly Need[];
}

/** The model named for this question, else pinned to its kind; undefined: any. */
function modelNamed(ask: Ask, kind: TaskKind, { pinnedModels }: Settings): string | undefined {
  const name = ask.model ?? pinnedModels[kind];
  return name === "" || name === "auto" ? undefined : name;
}

/** Whether it goes where it goes because the person named the model: then nobody else may answer. */
export function wasNamed(ask: Ask, { task, model }: Route, settings: Settings): boolean {
  const name = modelNamed(ask, task, settings);
  return name !== undefined && (model === name || isTag(model, name));
}

function pinned(ask: Ask, kind: TaskKind, { usable, able, all, needs }: Able, settings: Settings): Choice | undefined {
  const name = modelNamed(ask, kind, settings);
  if (name === undefined) return undefined;
  const named = (models: readonly InstalledModel[]) =>
    models.find((each) => each.name === name) ?? models.find((each) => isTag(each.name, name));
  const model = named(usable);
  const unable = model ? undefined : named(able);
  if (unable) {
    // What was pinned for all questions of a kind was not meant for this one; what was named for it was.
    if (ask.model === undefined) return undefined;
    throw cannot(unable, needs, usable);
  }
  if (!model) {
    const asking = { isOffline: settings.offline, isProgram: ask.ownPrompt !== undefined };
    throw notAnswering(name, named(all) !== undefined, asking);
  }
  const why = ask.model ? msg("you asked for this model") : msg("you pinned this model to this kind of task");
  return { model, why };
}

/** Every usable model, best first, each with the reason for its place. */
function rank(
  role: Role,
  usable: readonly InstalledModel[],
  memoryBytes: number,
  settings: Settings,
): readonly Choice[] {
  const fits = new Set(usable.filter((model) => fitsMemory(model, usualContextTokens, memoryBytes)));
  const listed = (wantedRole: Role, why: (tag: string, isFirst: boolean) => Message) =>
    candidatesFor(wantedRole, settings.modelProfile).flatMap((tag, index) =>
      usable.filter((model) => isTag(model.name, tag)).map((model) => ({ model, why: why(tag, index === 0) })),
    );
  const bySize = [...usable].sort((a, b) => b.sizeBytes - a.sizeBytes);
  const choices: readonly Choice[] = [
    ...listed(role, (_, isFirst) =>
      isFirst
        ? msg("first choice for the role “{0}”", roleName(role))
        : msg("best installed choice for the role “{0}”", roleName(role)),
    ),
    ...listed("general", () => msg("no model for the role “{0}” is installed; this is a generalist", roleName(role))),
    ...bySize.map((model) => ({
      model,
      why: msg("no model for the role “{0}” is installed; this is the largest that fits this machine", roleName(role)),
    })),
  ];
  const fitting = choices.filter((choice) => fits.has(choice.model));
  const tooLarge = choices
    .filter((choice) => !fits.has(choice.model))
    .map(({ model }) => ({ model, why: msg("nothing smaller is installed; it may not fit this machine’s memory") }));
  const seen = new Set<string>();
  return [...fitting, ...tooLarge.reverse()].filter(({ model }) => {
    const key = `${model.backend}\n${model.name}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** What the person found bad for this kind of task comes after what they did not. */
function likedFirst(ranked: readonly Choice[], kind: TaskKind, { isDisliked }: Reachable): readonly Choice[] {
  if (!isDisliked) return ranked;
  const disliked = ranked.filter(({ model }) => isDisliked(model.name, kind));
  if (disliked.length === 0) return ranked;
  const why = msg("you found its answers to this kind of task bad");
  return [...ranked.filter((choice) => !disliked.includes(choice)), ...disliked.map(({ model }) => ({ model, why }))];
}

function alternatives(
  chosen: InstalledModel,
  ranked: readonly Choice[],
  role: Role,
  settings: Settings,
): readonly Alternative[] {
  const installed = ranked
    .filter(({ model }) => model !== chosen)
    .map(({ model, why }) => ({ model: model.name, backend: model.backend, why }));
  const missing = candidatesFor(role, settings.modelProfile)
    .filter((tag) => !ranked.some(({ model }) => isTag(model.name, tag)))
    .map((tag) => ({ model: tag, why: msg("not installed") }));
  return [...installed, ...missing].slice(0, maxAlternatives);
}
