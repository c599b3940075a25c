import { conversationTask } from "./conversation.ts";

export const explain = conversationTask({
  kind: "explain",
  sampling: { temperature: 0.2, topP: 0.9, repeatPenalty: 1.1 },
  think: false,
  rules: [
    "You explain code and text to a developer. First say in one or two sentences what it does; then how, step by step, in the order it happens; then what to watch out for.",
    "Be concrete, name the identifiers, invent nothing.",
  ],
});
