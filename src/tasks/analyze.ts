import { conversationTask } from "./conversation.ts";

export const analyze = conversationTask({
  kind: "analyze",
  sampling: { temperature: 0.3, topP: 0.9, repeatPenalty: 1.05 },
  think: true,
  rules: [
    "You analyse questions for an engineer. State what is asked, what is known and what you assume; weigh the possibilities; end with a clear conclusion and how sure you are of it.",
  ],
});
