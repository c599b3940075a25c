import { expect, it } from "vitest";
import { formatMessage } from "../../src/core/message.ts";
import { evidenceTexts } from "../../src/core/names.ts";

it("tells each thing that pointed to the kind of task once, and nothing of another kind", () => {
  const evidence = [
    { kind: "code", seen: "function", points: 2 },
    { kind: "code", seen: "function", points: 1 },
    { kind: "review", seen: "bug", points: 1 },
    { kind: "code", seen: "command", by: "command", points: 1 },
  ] as const;
  expect(evidenceTexts(evidence, "code", formatMessage)).toEqual(["function", "the command you chose"]);
});
