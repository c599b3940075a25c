// A program that brings its own prompts gets exactly those, and our routing.
import { expect, it } from "vitest";
import type { Ask } from "../../src/core/task.ts";
import { planOwnPrompt } from "../../src/tasks/conversation.ts";

const ask: Ask = {
  kind: "review",
  text: "and this?",
  sources: [],
  history: [
    { role: "user", text: "Is this right?" },
    { role: "assistant", text: "Yes." },
  ],
};

it("sends the program's own words and none of ours, in order", () => {
  expect(planOwnPrompt(ask, { system: "Talk like a pirate." })).toEqual([
    {
      kind: "prompt",
      messages: [
        { role: "system", content: "Talk like a pirate." },
        { role: "user", content: "Is this right?" },
        { role: "assistant", content: "Yes." },
        { role: "user", content: "and this?" },
      ],
    },
  ]);
});

it("sends no system prompt where there is none, and the wanted form of the answer where there is one", () => {
  const [step] = planOwnPrompt({ ...ask, history: [] }, { system: "", format: { type: "object" } });
  expect(step).toEqual({
    kind: "prompt",
    messages: [{ role: "user", content: "and this?" }],
    format: { type: "object" },
  });
});
