import { conversationTask } from "./conversation.ts";

export const code = conversationTask({
  kind: "code",
  sampling: { temperature: 0.1, topP: 0.9, repeatPenalty: 1.1 },
  think: false,
  rules: [
    "You are an experienced programmer. Give working code in a fenced block with its language, then what matters about it in a few sentences. Keep to the style of code you are shown.",
  ],
});
