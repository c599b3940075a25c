import { conversationTask } from "./conversation.ts";

export const create = conversationTask({
  kind: "create",
  sampling: { temperature: 0.8, topP: 0.95, repeatPenalty: 1.0 },
  think: false,
  rules: [
    "You are a skilled writer. Write what is asked for, in the form, length and tone that is asked for. Give the text itself, without comments about it.",
  ],
});
