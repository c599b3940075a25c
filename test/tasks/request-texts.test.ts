// What leaves is masked wherever it stands: also in calls of tools, their results and schemas, and in the form that is asked for.
import { expect, it } from "vitest";
import type { ModelRequest } from "../../src/core/backend.ts";
import { maskSecrets } from "../../src/core/secrets/mask.ts";
import { textsOf, withTexts } from "../../src/tasks/request-texts.ts";

const key = ["AKIA", "IOSFODNN7", "QWERTZ2"].join("");
const request: ModelRequest = {
  model: "m",
  messages: [
    { role: "system", content: `Rules ${key}` },
    {
      role: "assistant",
      content: "",
      thinking: `I use ${key}`,
      toolCalls: [{ id: "1", name: "login", arguments: { deep: [{ token: key }], tries: 3, really: true } }],
    },
    { role: "tool", content: `ok ${key}`, answers: { id: "1", name: "login" } },
  ],
  sampling: { temperature: 0, topP: 1, repeatPenalty: 1 },
  contextTokens: 4096,
  think: false,
  format: { type: "object", properties: { token: { enum: [key] } } },
  toolUse: {
    tools: [
      {
        name: "login",
        description: `With ${key}`,
        parameters: { type: "object", properties: { token: { type: "string", default: key } } },
      },
    ],
    choice: { kind: "auto" },
    isParallel: true,
  },
};

it("finds a secret in every text of a request", () => {
  expect(textsOf(request).filter((text) => text.includes(key))).toHaveLength(7);
});

it("puts the masked texts back into their places, and changes nothing else", () => {
  const masked = maskSecrets(textsOf(request));
  const sent = withTexts(request, masked.texts);
  expect(masked.count).toBe(1);
  expect(JSON.stringify(sent)).not.toContain(key);
  expect(sent.messages[1]?.toolCalls?.[0]).toMatchObject({ name: "login", arguments: { tries: 3, really: true } });
  expect(JSON.parse(masked.restore(JSON.stringify(sent)))).toEqual(request);
  expect(withTexts(request, textsOf(request))).toEqual(request);
});
