import { statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { judgeHoldout, marksOf } from "../../scripts/classifier/evaluate.ts";
import { withCorrections } from "../../src/core/classifier/corrections.ts";
import { classify } from "../../src/core/classify.ts";
import { type Ask, taskKinds } from "../../src/core/task.ts";
import { isUnsure, likelyKinds } from "../../src/core/unsure.ts";
import { processorMs } from "../harness/processor-time.ts";

const asking = (text: string, over: Partial<Ask> = {}): Ask => ({ text, sources: [], history: [], ...over });
const source = (languageId: string) => ({
  uri: "file:///a",
  label: "a",
  text: "x",
  languageId,
  origin: "file" as const,
});

describe("the trained classifier", () => {
  it.each(["en", "zh"])("finds the right expert for prompts it never saw, in %s", (language) => {
    const marks = marksOf(judgeHoldout(language));
    expect(marks.count).toBeGreaterThanOrEqual(100);
    expect(marks.macroF1).toBeGreaterThanOrEqual(0.85);
    expect(marks.accuracyOfSurest).toBeGreaterThanOrEqual(0.95);
  });

  it("is as sure as it is right", () => {
    const { overconfidence } = marksOf([...judgeHoldout("en"), ...judgeHoldout("zh")]);
    expect(Math.abs(overconfidence)).toBeLessThan(0.1);
  });

  it("takes code for the task and the language for another matter", () => {
    expect(classify(asking("用 Python 写一个函数，读取 CSV 文件"))).toMatchObject({ area: "code", language: "zh" });
    expect(classify(asking("Translate this sentence into Chinese: the cat sat on the mat"))).toMatchObject({
      area: "chinese",
      language: "en",
    });
  });

  it("tells explaining code from explaining anything else", () => {
    const code = classify(asking("Explain what this code does:\nfor (const x of list) { total += x.price; }"));
    expect(code).toMatchObject({ kind: "explain", area: "code" });
    expect(classify(asking("Explain how inflation works"))).toMatchObject({ kind: "explain", area: "docs" });
  });

  it("gives the highest score to the kind it names, and the confidence is that score", () => {
    for (const text of ["fix this", "why?", "写点东西", "compare a poem with a function"]) {
      const { kind, scores, confidence } = classify(asking(text));
      expect(scores[kind]).toBe(Math.max(...taskKinds.map((each) => scores[each])));
      expect(confidence).toBeCloseTo(scores[kind], 10);
    }
  });

  it("knows when it does not know, and which kinds it may be", () => {
    const clear = classify(asking("Translate this sentence into Chinese: the cat sat on the mat"));
    expect(isUnsure(clear)).toBe(false);
    expect(likelyKinds(clear)[0]).toBe("translate");
    const judged = [...judgeHoldout("en"), ...judgeHoldout("zh")];
    const unsure = judged.filter((each) => isUnsure({ ...clear, confidence: each.confidence }));
    expect(unsure.length).toBeGreaterThan(0);
    expect(unsure.length).toBeLessThan(judged.length / 20);
    const doubtful = { ...clear, scores: { ...clear.scores, code: 2, chat: 3, translate: 1 } };
    expect(likelyKinds(doubtful)).toEqual(["chat", "code", "translate"]);
  });

  it("shows the keywords and the words that spoke for the winner", () => {
    const text = "write a haiku about my grumpy dragon";
    const { kind, evidence } = classify(asking(text));
    const seen = evidence.filter((each) => each.kind === kind).map((each) => each.seen);
    expect(seen).toContain("haiku");
    expect(seen.length).toBeGreaterThan(1);
    for (const word of seen) expect(text).toContain(word);
  });

  it("lets code that was handed over speak for code", () => {
    const alone = classify(asking("what about this?"));
    const withCode = classify(asking("what about this?", { sources: [source("typescript")] }));
    const shareOfCode = ({ scores }: typeof alone): number => Math.max(scores.code, scores.review);
    expect(shareOfCode(withCode)).toBeGreaterThan(shareOfCode(alone));
    expect(classify(asking("", { sources: [source("typescript")] })).kind).toBe("review");
    expect(classify(asking("", { sources: [source("markdown")] })).kind).toBe("chat");
  });

  it("finds the question before and after long material", () => {
    const material = "The quarterly numbers of the northern region were in line with those of last year. ".repeat(300);
    expect(classify(asking(`Translate the following into Chinese:\n${material}`)).kind).toBe("translate");
    expect(classify(asking(`${material}\nPlease translate the text above into Chinese.`)).kind).toBe("translate");
  });

  it.each([
    ["nothing but blanks", " \n\t"],
    ["a megabyte without a blank", "a".repeat(2 ** 20)],
    ["a megabyte of Chinese", "码".repeat(2 ** 19)],
    ["halves of characters", "\ud800\udc00\ud800 write \udfff"],
    ["zero characters", "\0\0write\0code\0"],
    ["signs", "?!'\"`~…—（）《》"],
    ["names that every object has", "constructor __proto__ toString"],
  ])("answers for %s", (_, text) => {
    const { kind, confidence } = classify(asking(text));
    expect(taskKinds).toContain(kind);
    expect(confidence).toBeGreaterThan(0);
    expect(confidence).toBeLessThanOrEqual(1);
  });

  it("says the same of a text whatever it read before", () => {
    const first = classify(asking("review this code for bugs"));
    for (let count = 0; count < 300; count++) classify(asking(`text number ${count} about a story`));
    expect(classify(asking("review this code for bugs"))).toEqual(first);
  });

  it("costs microseconds, and its weights less than 300 KB", () => {
    const thousandOf = (text: string) => () => {
      for (let count = 0; count < 1000; count++) classify(asking(text));
    };
    expect(processorMs(200, thousandOf("Write a function that parses dates in ISO format"))).toBeLessThan(200);
    expect(processorMs(1000, thousandOf("Summarise this. ".repeat(6250)))).toBeLessThan(1000);
    const weights = new URL("../../src/core/classifier/weights.json", import.meta.url);
    expect(statSync(weights).size).toBeLessThan(300_000);
  });
});

describe("corrections", () => {
  const text = "turn the ticket about the slow checkout into something the team can read";
  const corrected = withCorrections(classify, [
    { text: "an older question about something else entirely", kind: "create" },
    { text, kind: "document" },
  ]);

  it("decide for the same question and for nearly the same", () => {
    const before = classify(asking(text)).kind;
    const other = before === "analyze" ? "create" : "analyze";
    const again = withCorrections(classify, [{ text, kind: other }]);
    expect(again(asking(text))).toMatchObject({ kind: other, confidence: 1 });
    const near = again(asking(`Please turn the ticket about the slow checkout into something our team can read.`));
    expect(near.kind).toBe(other);
    expect(near.evidence[0]).toMatchObject({ kind: other, seen: "corrected before" });
    expect(near.scores[other]).toBe(Math.max(...taskKinds.map((kind) => near.scores[kind])));
  });

  it("leave other questions alone", () => {
    const other = asking("Write a poem about the slow ticket queue");
    expect(corrected(other)).toEqual(classify(other));
  });

  it("do not outdo what a command states", () => {
    expect(corrected(asking(text, { kind: "review" })).kind).toBe("review");
  });

  it("of the same question count as last made", () => {
    const twice = withCorrections(classify, [
      { text, kind: "create" },
      { text, kind: "chat" },
    ]);
    expect(twice(asking(text)).kind).toBe("chat");
  });

  it("work in Chinese", () => {
    const chinese = withCorrections(classify, [{ text: "把这周的进展捋一捋发给大家", kind: "document" }]);
    expect(chinese(asking("把这周的进展捋一捋发给大家吧")).kind).toBe("document");
    expect(chinese(asking("把大象放进冰箱要几步")).evidence[0]?.seen).not.toBe("corrected before");
  });
});
