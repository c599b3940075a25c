// Tasks that answer a question, perhaps about some text, perhaps in the course of a conversation.
import type { ChatMessage } from "../core/chat-message.ts";
import { countPrompt } from "../core/count-prompt.ts";
import { fenced } from "../core/fence.ts";
import { msg } from "../core/message.ts";
import { picturesOf, textsOf } from "../core/pictures.ts";
import type { Ask, OwnPrompt, Sampling, TaskKind, Turn } from "../core/task.ts";
import { requiredLanguage } from "./language-guard.ts";
import { answerIn, dataRule, system, user } from "./prompt.ts";
import type { PlanContext, Step, TaskDefinition } from "./task-definition.ts";

export interface ConversationTask {
  readonly kind: TaskKind;
  readonly sampling: Sampling;
  readonly think: boolean;
  /** What the model is and how it answers. */
  readonly rules: readonly string[];
}

export function conversationTask({ kind, sampling, think, rules }: ConversationTask): TaskDefinition {
  return {
    kind,
    sampling,
    think,
    plan(ask, context) {
      const asked = user(ask.text, ...textsOf(ask.sources).map(fenced), answerIn(context.answerLanguage));
      const images = picturesOf(ask);
      const question = images.length > 0 ? { ...asked, images } : asked;
      const language = kind === "code" ? undefined : requiredLanguage(ask, context.answerLanguage);
      const opening = system(...rules, ...(isAboutText(ask) ? [dataRule] : []));
      return planWithHistory(ask, [opening], question, context).map((step) =>
        step.kind === "prompt" && language ? { ...step, language } : step,
      );
    },
  };
}

/** Where no text was handed over, a rule about it would only be one more thing to misunderstand. */
function isAboutText({ sources, history, text }: Ask): boolean {
  return sources.length > 0 || text.includes("```") || history.some((turn) => (turn.sources ?? []).length > 0);
}

const turnMessage = ({ role, text, images }: Turn): ChatMessage => ({
  role,
  content: text,
  ...(images ? { images } : {}),
});

/** Earlier turns that do not fit are left out, oldest first, and it is said; the question itself is never cut. */
export function planWithHistory(
  ask: Ask,
  opening: readonly ChatMessage[],
  question: ChatMessage,
  context: PlanContext,
): readonly Step[] {
  const cost = (messages: readonly ChatMessage[]) => countPrompt({ messages }, context.estimateTokens);
  let room = context.promptTokens - cost([...opening, question]);
  const history = ask.history.map(turnMessage);
  let kept = history.length;
  for (const message of [...history].reverse()) {
    room -= cost([message]);
    if (room < 0) break;
    kept--;
  }
  // An answer without its question says nothing: what stays begins with a question.
  while (history[kept]?.role === "assistant") kept++;
  const prompt: Step = {
    kind: "prompt",
    messages: [...opening, ...history.slice(kept), question],
    instructions: opening.map((message) => message.content),
  };
  if (kept === 0) return [prompt];
  const text = msg(
    "The oldest {0} of {1} earlier messages do not fit the model’s context and were left out.",
    kept,
    history.length,
  );
  return [{ kind: "notice", text }, prompt];
}

/**
 * A program's own conversation, as it is: a proxied client counts on every word of it. Nothing is left out either:
 * what does not fit is refused with numbers, and the client makes it shorter itself.
 */
export function planOwnPrompt(ask: Ask, { system: rules, format, toolUse, messages }: OwnPrompt): readonly Step[] {
  const said: readonly ChatMessage[] = messages ?? [
    ...ask.history.map(turnMessage),
    turnMessage({ role: "user", text: ask.text, ...(ask.images ? { images: ask.images } : {}) }),
  ];
  const all = rules === "" ? said : [system(rules), ...said];
  return [{ kind: "prompt", messages: all, ...(format ? { format } : {}), ...(toolUse ? { toolUse } : {}) }];
}
