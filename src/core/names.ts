// What the closed unions of core are called before people.
import type { Place } from "./backend.ts";
import type { Evidence } from "./classify.ts";
import { formatBytes } from "./format-bytes.ts";
import { formatDate } from "./format-time.ts";
import { type Message, msg } from "./message.ts";
import type { ModelEvent } from "./model-event.ts";
import type { NodeCondition } from "./node-condition.ts";
import type { Role } from "./role.ts";
import type { Incident, ServiceState } from "./services.ts";
import type { TaskKind } from "./task.ts";
import type { ToolTest } from "./tool-test.ts";

export type Loading = Omit<Extract<ModelEvent, { kind: "loading" }>, "kind">;

export function kindName(kind: TaskKind): Message {
  const names: Readonly<Record<TaskKind, Message>> = {
    review: msg("Review"),
    translate: msg("Translate"),
    explain: msg("Explain"),
    document: msg("Document"),
    create: msg("Create"),
    analyze: msg("Analyze"),
    code: msg("Code"),
    chat: msg("Chat"),
  };
  return names[kind];
}

/** How far the loading of a model is: `Loading qwen3:32b: 12.4 GB of 19.0 GB`. */
export function loadingText({ model, loadedBytes, totalBytes }: Loading): Message {
  if (totalBytes === undefined) return msg("Loading {0}…", model);
  if (loadedBytes === totalBytes) return readingText(model);
  return loadedBytes === undefined
    ? msg("Loading {0} ({1})…", model, formatBytes(totalBytes))
    : msg("Loading {0}: {1} of {2}", model, formatBytes(loadedBytes), formatBytes(totalBytes));
}

/** What a model that is loaded does before its first word. */
export const readingText = (model: string): Message => msg("{0} is reading…", model);

/** How many questions a server has to answer first. */
export const waitingText = (before: number): Message =>
  before === 0 ? msg("Waiting: this one is next") : msg("Waiting: {0} before this one", before);

/** What there is to wait for before the first word, where nothing else is told: of what leaves, that the person allows it. */
export const beforeFirstWord = (route: { readonly model: string; readonly place: Place }): Message =>
  route.place === "cloud" ? msg("{0} is asked once you allow it…", route.model) : readingText(route.model);

/** What pointed to a kind of task, each once: a word as it stands, or what it was that was done. */
export function evidenceTexts(
  evidence: readonly Evidence[],
  kind: TaskKind,
  say: (message: Message) => string,
): readonly string[] {
  const names = {
    command: msg("the command you chose"),
    nothing: msg("nothing was asked"),
    correction: msg("what you said of a question like it"),
  };
  const pointing = evidence.filter((each) => each.kind === kind);
  return [...new Set(pointing.map(({ seen, by }) => (by ? say(names[by]) : seen)))];
}

export function placeName(place: Place): Message {
  const names = { "this-machine": msg("this machine"), network: msg("your network"), cloud: msg("cloud") };
  return names[place];
}

/** A model server by its name, which is also how it is told from others. */
export function serverName(name: string): Message {
  const host = /^Ollama at (.+)$/.exec(name)?.[1];
  if (host) return msg("Ollama at {0}", host);
  return name === "built-in engine" ? msg("built-in engine") : { template: name, args: [] };
}

/** @param condition of a model server; one that this version does not know stays as it is */
export function conditionName(condition: string): Message {
  const names: Readonly<Record<NodeCondition, Message>> = {
    ready: msg("ready"),
    busy: msg("busy, by its own word"),
    resting: msg("failed, resting"),
    returning: msg("coming back bit by bit"),
    leaving: msg("asked nothing new"),
  };
  return Object.entries(names).find(([name]) => name === condition)?.[1] ?? { template: condition, args: [] };
}

/** For lists of models. */
export function toolTestName({ calls, atMs }: ToolTest): Message {
  const names = {
    yes: msg("calls tools (tested {0})", formatDate(atMs)),
    text: msg("writes its calls as text (tested {0})", formatDate(atMs)),
    no: msg("calls no tools (tested {0})", formatDate(atMs)),
  };
  return names[calls];
}

/** What a test came to, and what follows from it. */
export function toolTestResult({ model, backend, calls }: ToolTest): Message {
  const server = serverName(backend);
  switch (calls) {
    case "yes":
      return msg("{0} calls tools ({1}).", model, server);
    case "text":
      return msg(
        "{0} writes its calls as text ({1}). They are read as calls here; elsewhere they may not be.",
        model,
        server,
      );
    case "no":
      return msg(
        "{0} called no tool ({1}). From now on questions with tools go to other models, until its weights change or it passes a test.",
        model,
        server,
      );
  }
}

export function outcomeName(outcome: "done" | "stopped" | "failed" | "cut"): Message {
  const names = {
    done: msg("done"),
    stopped: msg("stopped"),
    failed: msg("failed"),
    cut: msg("cut at the length limit"),
  };
  return names[outcome];
}

export function roleName(role: Role): Message {
  const names: Readonly<Record<Role, Message>> = {
    code: msg("code"),
    chinese: msg("Chinese and writing"),
    general: msg("general"),
    reasoning: msg("reasoning"),
    vision: msg("images"),
    translation: msg("translation"),
  };
  return names[role];
}

export function serviceStateName(state: ServiceState): Message {
  const names: Readonly<Record<ServiceState, Message>> = {
    missing: msg("not set up"),
    stopped: msg("stopped"),
    starting: msg("starting"),
    healthy: msg("healthy"),
    unhealthy: msg("not healthy"),
    paused: msg("paused"),
    restarting: msg("restarting"),
  };
  return names[state];
}

export function incidentName(what: Incident["what"]): Message {
  switch (what) {
    case "died":
      return msg("it ended by itself");
    case "out-of-memory":
      return msg("it ran out of memory");
    case "unhealthy":
      return msg("it did not answer");
    case "paused":
      return msg("it was paused");
    case "lost-gpu":
      return msg("it lost the graphics card");
  }
}

export function repairName(done: Incident["done"]): Message {
  switch (done) {
    case "restarted":
      return msg("restarted");
    case "unpaused":
      return msg("made to go on");
    case "gave-up":
      return msg("not started again after 5 times in 10 minutes");
    case "failed":
      return msg("could not be started");
  }
}
