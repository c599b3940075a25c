import { conversationTask } from "./conversation.ts";

export const chat = conversationTask({
  kind: "chat",
  sampling: { temperature: 0.5, topP: 0.9, repeatPenalty: 1.1 },
  think: false,
  rules: ["You are a helpful assistant to a software developer. Be brief and exact. Say so when you do not know."],
});
