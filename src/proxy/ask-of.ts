// From the words of a dialect to an ask.
import { type ChatMessage, isAnswerBegun } from "../core/chat-message.ts";
import { countPrompt } from "../core/count-prompt.ts";
import type { FineSampling } from "../core/sampling-names.ts";
import {
  type Ask,
  kindOfTaskType,
  type OwnPrompt,
  type Sampling,
  type TaskKind,
  type Think,
  type Turn,
  taskKinds,
} from "../core/task.ts";
import type { ToolUse } from "../core/tool.ts";
import { ProxyError } from "./proxy-error.ts";
import { linkResults } from "./tools-of.ts";

/** Models that are not one model: the request is routed, for one kind of task or for the one that is recognised. */
export const virtualModels: readonly string[] = ["auto", ...taskKinds].map((kind) => `switchyard/${kind}`);

/** Anthropic's clients list only models whose names begin so. */
const aliasPrefix = "claude-local-";

export function aliasOf(model: string): string {
  return model.startsWith("switchyard/")
    ? `claude-switchyard-${model.slice("switchyard/".length)}`
    : aliasPrefix + model;
}

/** Whether the name is one of ours, whatever comes after its beginning. */
export const isAlias = (name: string): boolean => /^claude-(?:local|switchyard)-/.test(name);

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

/** How much a client wants a model to think, in its words; undefined: as its task has it. */
export function thinkOf(effort: string | null | undefined): Think | undefined {
  if (effort === null || effort === undefined) return undefined;
  if (effort === "none" || effort === "minimal") return false;
  if (effort === "max" || effort === "xhigh") return "high";
  return degrees.find((each) => each === effort) ?? true;
}

const degrees = ["low", "medium", "high"] as const;

export interface Wishes {
  readonly model: string | undefined;
  readonly temperature?: number | null | undefined;
  readonly topP?: number | null | undefined;
  readonly repeatPenalty?: number | null | undefined;
  readonly fine?: FineSampling;
  readonly maxTokens?: number | null | undefined;
  readonly format?: object | undefined;
  readonly toolUse?: ToolUse | undefined;
  readonly think?: Think | undefined;
  readonly conversation?: string | null | undefined;
}

/**
 * A conversation of a client, in the client's own words: our prompts would come between it and the model. The kind is
 * still recognised from the last question, because it decides which model answers.
 * @throws ProxyError 400
 */
export function conversationAsk(messages: readonly ChatMessage[], wishes: Wishes): Ask {
  const said = withoutEmptyEnd(linkResults(messages.filter((message) => message.role !== "system")));
  const last = said.at(-1);
  if (!last) throw new ProxyError(400, "messages: nothing is asked");
  const isBegun = isAnswerBegun(said);
  if (isBegun) refuseUnfit(last, wishes);
  const system = messages.filter((message) => message.role === "system").map((message) => message.content);
  const question = said.findLast((message) => message.role === "user");
  const ask: Ask = { ...wishesOf(wishes), text: question?.content ?? "", sources: [], history: turnsOf(said) };
  const { format, toolUse } = wishes;
  // What is thought is thought before an answer begins.
  const think = isBegun ? false : wishes.think;
  const isPlain = system.length === 0 && !format && !toolUse && !isBegun && said.every(isWords);
  // Who names a kind of task as the model, and says nothing of how, wants that task done as the product does it.
  if (ask.kind && isPlain) return last.images ? { ...ask, images: last.images } : ask;
  const ownPrompt: OwnPrompt = {
    system: system.join("\n\n"),
    messages: said,
    ...(format ? { format } : {}),
    ...(toolUse ? { toolUse } : {}),
    ...(think === undefined ? {} : { think }),
  };
  return { ...ask, ownPrompt };
}

/** Some clients end with an answer of theirs that says nothing. */
function withoutEmptyEnd(said: readonly ChatMessage[]): readonly ChatMessage[] {
  const last = said.at(-1);
  const isEmpty = last?.role === "assistant" && last.content === "" && !last.toolCalls && !last.thinking;
  return isEmpty ? said.slice(0, -1) : said;
}

/** What no model can go on with. */
function refuseUnfit({ content, toolCalls }: ChatMessage, { format, toolUse }: Wishes): void {
  if (toolCalls) throw new ProxyError(400, "messages: the last one calls tools; send what the calls came to");
  if (content.trim() === "")
    throw new ProxyError(400, "messages: the last one says nothing that could be gone on with");
  const goesWithNone = "does not go with an answer that is begun; let the last message be the user's";
  if (format) throw new ProxyError(400, `messages: a format of the answer ${goesWithNone}`);
  if (toolUse?.choice.kind === "required")
    throw new ProxyError(400, `messages: a call that has to be made ${goesWithNone}`);
}

const isWords = ({ role, toolCalls }: ChatMessage) => role !== "tool" && !toolCalls;

/** What was said before the last message. */
function turnsOf(said: readonly ChatMessage[]): readonly Turn[] {
  return said.slice(0, -1).flatMap(({ role, content }): readonly Turn[] => {
    return role === "user" || role === "assistant" ? [{ role, text: content }] : [];
  });
}

const leastTopP = 1e-6;

/** The part of an ask that says which model and how. */
export function wishesOf(wishes: Wishes): Pick<Ask, "model" | "kind" | "sampling" | "maxTokens" | "conversation"> {
  const sampling: Partial<Sampling> = {
    ...(typeof wishes.temperature === "number" ? { temperature: wishes.temperature } : {}),
    // Servers are not of one mind about 0: the likeliest token alone, or an error.
    ...(typeof wishes.topP === "number" ? { topP: Math.max(leastTopP, wishes.topP) } : {}),
    ...(typeof wishes.repeatPenalty === "number" ? { repeatPenalty: wishes.repeatPenalty } : {}),
    ...wishes.fine,
  };
  const { maxTokens, conversation } = wishes;
  return {
    ...modelNamed(wishes.model),
    ...(Object.keys(sampling).length > 0 ? { sampling } : {}),
    // Ollama's clients say -1 and -2 for “as many as there are”.
    ...(typeof maxTokens === "number" && maxTokens > 0 ? { maxTokens } : {}),
    ...(conversation ? { conversation: conversation.slice(0, 200) } : {}),
  };
}

/** Tokens of what a client sent, estimated. */
export function tokensOf({ ownPrompt, history, text }: Ask): number {
  const said = ownPrompt?.messages ?? [
    ...history.map((turn): ChatMessage => ({ role: turn.role, content: turn.text })),
    { role: "user", content: text },
  ];
  const rules: readonly ChatMessage[] = ownPrompt?.system ? [{ role: "system", content: ownPrompt.system }] : [];
  return countPrompt({ messages: [...rules, ...said], ...(ownPrompt?.toolUse ? { toolUse: ownPrompt.toolUse } : {}) });
}
