import { describe, expect, it } from "vitest";
import { estimateTokens } from "../../src/core/estimate-tokens.ts";
import type { Source } from "../../src/core/task.ts";
import { review } from "../../src/tasks/review.ts";
import type { PromptStep, TaskOutput } from "../../src/tasks/task-definition.ts";

const source: Source = {
  uri: "file:///mean.js",
  label: "mean.js",
  text: "function mean(xs) {\n  let sum = 0;\n  for (let i = 0; i <= xs.length; i++) sum += xs[i];\n  return sum;\n}",
  origin: "selection",
  startLine: 11,
  change: {
    added: [13],
    removed: [
      { before: 13, lines: ["  for (const x of xs) sum += x;"] },
      { before: 16, lines: ["// the end"] },
    ],
  },
};
const context = { answerLanguage: "en", model: "m", modelBytes: 5e9, promptTokens: 4000, estimateTokens } as const;

async function prompts(promptTokens = 4000, asked = source): Promise<readonly PromptStep[]> {
  const steps = await review.plan({ text: "", sources: [asked], history: [] }, { ...context, promptTokens });
  return steps.filter((step) => step.kind === "prompt");
}

async function reviewed(...findings: readonly object[]): Promise<readonly TaskOutput[]> {
  const [step] = await prompts();
  async function* pieces() {
    yield JSON.stringify({ findings });
  }
  const outputs: TaskOutput[] = [];
  for await (const output of step?.read?.(pieces()) ?? []) outputs.push(output);
  return outputs;
}

const finding = (line: number, quote: string, title: string) => ({
  line,
  quote,
  title,
  body: title,
  severity: "problem",
});

describe("a review of changes", () => {
  it("shows the model what is new, what was taken away, and what stands around", async () => {
    const [step] = await prompts();
    expect(step?.messages[1]?.content).toContain(
      [
        "11| function mean(xs) {",
        "12|   let sum = 0;",
        "-|   for (const x of xs) sum += x;",
        "13+|   for (let i = 0; i <= xs.length; i++) sum += xs[i];",
        "14|   return sum;",
        "15| }",
        "-| // the end",
      ].join("\n"),
    );
    expect(step?.messages[0]?.content).toContain("Judge only this change");
  });

  it("is told nothing of changes where whole files are reviewed", async () => {
    const { change: _, ...whole } = source;
    const [step] = await prompts(4000, whole);
    expect(step?.messages[0]?.content).not.toContain("Judge only this change");
  });

  it("keeps findings about what changed, also where the model copies the mark of a new line", async () => {
    const outputs = await reviewed(
      finding(13, "13+|   for (let i = 0; i <= xs.length; i++) sum += xs[i];", "Past the end"),
    );
    expect(outputs[0]).toMatchObject({ kind: "finding", finding: { startLine: 13, endLine: 13 } });
  });

  it("keeps those that stand where something was taken away", async () => {
    expect(await reviewed(finding(15, "}", "No end"))).toMatchObject([{ kind: "finding" }, { kind: "text" }]);
  });

  it("leaves out what is about other lines, and names it", async () => {
    const outputs = await reviewed(
      finding(11, "function mean(xs) {", "No types"),
      finding(13, "sum += xs[i];", "Past the end"),
    );
    expect(outputs.map(({ kind }) => kind)).toEqual(["finding", "text", "notice"]);
    expect(JSON.stringify(outputs[2])).toContain("“No types”");
    expect(outputs[1]).toMatchObject({ text: expect.stringContaining("**1. ● Past the end**") });
    // All of it outside: that is a clean change.
    expect((await reviewed(finding(11, "function mean(xs) {", "No types"))).map(({ kind }) => kind)).toEqual([
      "notice",
      "text",
    ]);
  });

  it("is split where it does not fit, with the marks of each part", async () => {
    const text = Array.from({ length: 200 }, (_, index) => `const value${index} = compute(${index}, "something");`);
    const added = [1, 60, 120, 200];
    const long = { ...source, text: text.join("\n"), startLine: 1, change: { added, removed: [] } };
    const steps = await prompts(1800, long);
    expect(steps.length).toBeGreaterThan(1);
    const marked = steps.flatMap(({ messages }) => [...(messages[1]?.content ?? "").matchAll(/^(\d+)\+\|/gm)]);
    expect(marked.map((match) => Number(match[1]))).toEqual(added);
  });
});
