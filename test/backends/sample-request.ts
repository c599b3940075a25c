import type { ModelRequest } from "../../src/core/backend.ts";

export const request: ModelRequest = {
  model: "m",
  messages: [{ role: "user", content: "hello" }],
  sampling: { temperature: 0.1, topP: 0.9, repeatPenalty: 1.1 },
  contextTokens: 4096,
  think: false,
};
