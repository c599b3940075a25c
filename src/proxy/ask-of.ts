// From the words of a dialect to an ask.
import { type Ask, kindOfTaskType, type Sampling, type TaskKind, type Turn, taskKinds } from "../core/task.ts";
import { ProxyError } from "./proxy-error.ts";

/** Models that are not one model: the request is routed, for one kind of task or for the one that is recognised. */
export const virtualModels: readonly string[] = ["auto", ...taskKinds].map((kind) => `switchyard/${kind}`);

/** Anthropic's clients list only models whose names begin so. */
const aliasPrefix = "claude-local-";

export function aliasOf(model: string): string {
  return model.startsWith("switchyard/")
    ? `claude-switchyard-${model.slice("switchyard/".length)}`
    : aliasPrefix + model;
}

/** The model and the kind a name stands for; neither: the request is routed by what it says. */
export function modelNamed(name: string | undefined): Pick<Ask, "model" | "kind"> {
  if (name === undefined || name === "" || name === "auto") return {};
  if (name.startsWith(aliasPrefix)) return { model: name.slice(aliasPrefix.length) };
  const virtual = /^(?:claude-switchyard-|switchyard\/)(\w+)(?::latest)?$/.exec(name)?.[1];
  if (virtual === "auto") return {};
  const kind = taskKinds.find((each) => each === virtual);
  return kind ? { kind } : { model: name };
}

/** @throws ProxyError 400 that names what there is */
export function kindNamed(taskType: string): TaskKind {
  const kind = kindOfTaskType(taskType);
  if (kind) return kind;
  const known = [...taskKinds, "translation", "creative", "general"].join(", ");
  throw new ProxyError(400, `task_type: one of ${known}`);
}

export interface SaidMessage {
  readonly role: "system" | "user" | "assistant";
  readonly text: string;
}

export interface Wishes {
  readonly model: string | undefined;
  readonly temperature?: number | null | undefined;
  readonly topP?: number | null | undefined;
  readonly repeatPenalty?: number | null | undefined;
  readonly maxTokens?: number | null | undefined;
  readonly format?: object | undefined;
}

/**
 * A conversation of a client, in the client's own words: our prompts would come between it and the model. The kind is
 * still recognised from the last question, because it decides which model answers.
 * @throws ProxyError 400
 */
export function conversationAsk(messages: readonly SaidMessage[], wishes: Wishes): Ask {
  const said = messages.filter((message) => message.role !== "system");
  const last = said.at(-1);
  if (last?.role !== "user") throw new ProxyError(400, "messages: the last one has to be the user's");
  const system = messages.filter((message) => message.role === "system").map((message) => message.text);
  const history = said
    .slice(0, -1)
    .map(({ role, text }): Turn => ({ role: role === "user" ? "user" : "assistant", text }));
  const ask: Ask = { ...wishesOf(wishes), text: last.text, sources: [], history };
  // Who names a kind of task as the model, and says nothing of how, wants that task done as the product does it.
  if (ask.kind && system.length === 0 && !wishes.format) return ask;
  return { ...ask, ownPrompt: { system: system.join("\n\n"), ...(wishes.format ? { format: wishes.format } : {}) } };
}

/** The part of an ask that says which model and how. */
export function wishesOf(wishes: Wishes): Pick<Ask, "model" | "kind" | "sampling" | "maxTokens"> {
  const sampling: Partial<Sampling> = {
    ...(typeof wishes.temperature === "number" ? { temperature: wishes.temperature } : {}),
    ...(typeof wishes.topP === "number" ? { topP: wishes.topP } : {}),
    ...(typeof wishes.repeatPenalty === "number" ? { repeatPenalty: wishes.repeatPenalty } : {}),
  };
  const { maxTokens } = wishes;
  return {
    ...modelNamed(wishes.model),
    ...(Object.keys(sampling).length > 0 ? { sampling } : {}),
    // Ollama's clients say -1 and -2 for “as many as there are”.
    ...(typeof maxTokens === "number" && maxTokens > 0 ? { maxTokens } : {}),
  };
}

/** @throws ProxyError 400: what a schema nests deeper than this, no model can follow */
export function checkedFormat(format: object): object {
  let level: readonly unknown[] = [format];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > 64) throw new ProxyError(400, "format: nested too deeply");
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
  return format;
}

/** @throws ProxyError 400 */
export function refuseTools(tools: readonly unknown[] | null | undefined): void {
  if (tools && tools.length > 0) {
    throw new ProxyError(400, "tools: not supported by this service yet; send the request without them");
  }
}

export const refuseImages = (): never => {
  throw new ProxyError(400, "images: not supported by this service yet; send text only");
};
