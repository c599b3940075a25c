import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import { estimateTokens } from "../../src/core/estimate-tokens.ts";
import { formatMessage } from "../../src/core/message.ts";
import { splitCode } from "../../src/tasks/code-parts.ts";
import { splitLong } from "../../src/tasks/long-part.ts";
import { splitMarkdown } from "../../src/tasks/markdown-parts.ts";
import { restore } from "../../src/tasks/parts.ts";
import type { Step } from "../../src/tasks/task-definition.ts";
import { translate } from "../../src/tasks/translate.ts";
import { untranslatedText } from "../../src/tasks/untranslated.ts";
import { all, chat, never, pipelineWith, textOf } from "./pipeline-parts.ts";

const documentParts = [
  "---\ntitle: Guide\ntags: [a, b]\n---\n",
  "# Install `npm` guide\n",
  'Read [the handbook](https://example.com/a?b=c "Title") first, or <https://example.com>.\n',
  "```sh\nnpm ci # keep me\n```\n",
  "| Name | What it does |\n|:--|--:|\n| `x` | a **bold** word |\n",
  "- one item\n  - inner item with `code`\n- [ ] a task\n",
  "1. first\n2. second\n",
  "> quoted words\n> go on\n",
  "<details><summary>More</summary>\n\nHidden words.\n\n</details>\n",
  "![alt words](picture.png)\n",
  "Text with a footnote.[^1]\n\n[^1]: The note itself.\n",
  "第一段中文，含有 `代码`。\n",
  "    indented code\n",
  "Line one  \nline two\\\nline three\n",
  "[ref]: https://example.com\n",
];

const plan = { answerLanguage: "en", model: "m", modelBytes: 5e9, promptTokens: 4000, estimateTokens } as const;
const source = (text: string, languageId = "markdown") => ({
  uri: "file:///a",
  label: "a",
  text,
  languageId,
  origin: "file" as const,
});

describe("a document in markdown", () => {
  it("is whole again when its parts are joined, to the byte", () => {
    const documents = fc.array(fc.constantFrom(...documentParts), { maxLength: 8 }).map((parts) => parts.join("\n"));
    fc.assert(
      fc.property(fc.oneof(documents, fc.string({ unit: "grapheme", maxLength: 200 })), (markdown) => {
        const parts = splitMarkdown(markdown);
        expect(parts.map((part) => (part.kind === "keep" ? part.text : part.original)).join("")).toBe(markdown);
        for (const part of parts) {
          if (part.kind === "translate") expect(restore(part.text, part.held)).toBe(part.original);
        }
      }),
      { numRuns: 300, seed: 20261123 },
    );
  });

  it("sends no code, no link target and no front matter to the model", () => {
    const parts = splitMarkdown(documentParts.join("\n"));
    const sent = parts.flatMap((part) => (part.kind === "translate" ? [part.text] : [])).join("\n");
    for (const kept of [
      "npm ci",
      "https://example.com",
      "title: Guide",
      "picture.png",
      "`code`",
      "|:--",
      "indented code",
    ]) {
      expect(sent).not.toContain(kept);
    }
    for (const words of ["Install", "the handbook", "What it does", "inner item", "quoted words", "Hidden words"]) {
      expect(sent).toContain(words);
    }
  });

  it("refuses a translation that lost, doubled or invented a place", () => {
    expect(restore("看 ⟦1⟧ 和 ⟦2⟧", ["`a`", "`b`"])).toBe("看 `a` 和 `b`");
    expect(restore("看 ⟦ 2 ⟧⟦1⟧", ["`a`", "`b`"])).toBe("看 `b``a`");
    expect(restore("看 ⟦1⟧", ["`a`", "`b`"])).toBeUndefined();
    expect(restore("看 ⟦1⟧ ⟦1⟧", ["`a`"])).toBeUndefined();
    expect(restore("看 ⟦3⟧", ["`a`"])).toBeUndefined();
  });
});

async function answered(step: Step | undefined, answer: string): Promise<string> {
  if (step?.kind !== "prompt" || !step.read) throw new Error("not a prompt with a reader");
  async function* pieces() {
    for (let at = 0; at < answer.length; at += 3) yield answer.slice(at, at + 3);
  }
  const events: AnswerEvent[] = [];
  for await (const event of step.read(pieces())) events.push(event);
  return events.map((event) => (event.kind === "text" ? event.text : "")).join("");
}

describe("a translation", () => {
  const stepsOf = async (text: string, languageId?: string) =>
    translate.plan({ text: "", sources: [source(text, languageId)], history: [] }, plan);
  const first = async (text: string) => (await stepsOf(text)).find((step) => step.kind === "prompt");

  it("goes into the other one of Chinese and English unless told", async () => {
    const promptOf = (step: Step | undefined) => (step?.kind === "prompt" ? JSON.stringify(step.messages) : "");
    expect(promptOf(await first("A sentence."))).toContain("into Simplified Chinese");
    expect(promptOf(await first("一个句子。"))).toContain("into English");
  });

  it("loses what models say around it", async () => {
    expect(await answered(await first("A sentence."), "Here is the translation:\n一个句子。")).toBe("一个句子。");
    expect(await answered(await first("A sentence."), '"一个句子。"')).toBe("一个句子。");
    expect(await answered(await first("A sentence."), "一个句子。")).toBe("一个句子。");
  });

  it("puts code and links back, and is refused where one is missing", async () => {
    const step = await first("Run `npm ci` now.");
    expect(step?.kind === "prompt" && step.check?.accept(await answered(step, "现在运行 ⟦1⟧。"))).toBe(true);
    expect(await answered(step, "现在运行 ⟦1⟧。")).toBe("现在运行 `npm ci`。");
    expect(step?.kind === "prompt" && step.check?.accept(await answered(step, "现在运行。"))).toBe(false);
  });

  it("is asked for again where nothing came, whatever kind of text it is", async () => {
    for (const [text, language] of [
      ["Plain words here.", "plaintext"],
      ["# A title\n", "markdown"],
    ] as const) {
      const steps = await translate.plan({ text: "", sources: [source(text, language)], history: [] }, plan);
      const prompts = steps.flatMap((step) => (step.kind === "prompt" ? [step] : []));
      expect(prompts.length).toBeGreaterThan(0);
      for (const { check } of prompts) expect([check?.accept(" \n"), check?.accept("文字")]).toEqual([false, true]);
    }
  });

  it("knows where each part stands in its file, and tells those that were left in few words", async () => {
    const text = "# Title\n\nFirst words\ngo on.\n\n```\ncode\n```\n\n- one\n- two\n";
    const linesIn = (steps: readonly Step[]) =>
      steps.flatMap((step) => (step.kind === "prompt" && step.check ? [step.check.lines] : []));
    const spans = linesIn(await stepsOf(text)).map(({ first, last }) => [first, last]);
    expect(spans).toEqual([
      [1, 1],
      [3, 4],
      [10, 10],
      [11, 11],
    ]);
    const part = { ...source("Plain words.\n\nMore of them.", "plaintext"), startLine: 40 };
    const both = await translate.plan({ text: "", sources: [part, source("# B\n")], history: [] }, plan);
    expect(linesIn(both).map(({ first, label }) => [label, first])).toContainEqual(["a", 40]);
    const left = [1, 3, 4, 5, 9].map((line) => ({ first: line, last: line }));
    expect(formatMessage(untranslatedText(left, 8))).toMatch(/5 of 8 parts. The original stands in lines 1, 3–5, 9\.$/);
    expect(formatMessage(untranslatedText(left.slice(0, 1), 8))).toMatch(/1 of 8 parts.* in line 1\.$/);
    const many = Array.from({ length: 40 }, (_, at) => ({ first: at * 3, last: at * 3 }));
    expect(formatMessage(untranslatedText(many, 99)).length).toBeLessThan(200);
  });

  it("may have any number of parts", async () => {
    const plan = () => Array.from({ length: 200_000 }, (): Step => ({ kind: "literal", text: "." }));
    const { pipeline } = pipelineWith({ chat: { plan } });
    expect(textOf(await all(pipeline.run(chat, never)))).toHaveLength(200_000);
    const comment = `/*\n${"some words\n".repeat(200_000)}*/`;
    expect(splitCode(comment, "typescript")?.filter((part) => part.kind === "translate")).toHaveLength(200_000);
  });

  it("keeps the blank lines and the line ends of plain text", async () => {
    const text = "First paragraph.\r\n\r\n\r\nSecond one.\r\n";
    const steps = await stepsOf(text, "plaintext");
    const joined = steps.map((step) => (step.kind === "literal" ? step.text : "·")).join("");
    expect(joined).toContain("\r\n\r\n\r\n");
  });

  it("gives TranslateGemma the prompt it was trained on", async () => {
    const [step] = await translate.plan(
      { text: "", sources: [source("Hello.", "plaintext")], history: [], targetLanguage: "zh-CN" },
      { ...plan, model: "translategemma:4b" },
    );
    expect(step?.kind === "prompt" && step.messages).toHaveLength(1);
    expect(JSON.stringify(step)).toContain("professional English (en) to Simplified Chinese (zh) translator");
    expect(JSON.stringify(step)).toContain(":\\n\\n\\nHello.");
  });
});

describe("a paragraph that is too long for one request", () => {
  const estimate = (text: string) => text.length;

  it("is parted between sentences, with its marks counted anew, and is the same again when joined", () => {
    const text = "Use ⟦1⟧ first. Then call ⟦2⟧ and ⟦3⟧, as told. At last, rest! Done";
    const part = { kind: "translate" as const, original: "x", text, held: ["`a`", "`b`", "`c`"] };
    const pieces = splitLong(part, 34, estimate);
    expect(pieces.map((piece) => piece.text)).toEqual([
      "Use ⟦1⟧ first. ",
      "Then call ⟦1⟧ and ⟦2⟧, as told. ",
      "At last, rest! Done",
    ]);
    expect(pieces.map((piece) => piece.held)).toEqual([["`a`"], ["`b`", "`c`"], []]);
    expect(pieces.map((piece) => piece.original).join("")).toBe(
      text.replace(/⟦(\d)⟧/g, (_, n) => part.held[n - 1] ?? ""),
    );
  });

  it("of one endless sentence is parted between words, whatever it is written in", () => {
    for (const text of [
      "word ".repeat(500),
      "汉字".repeat(600),
      "a".repeat(900),
      "one ⟦ two ".repeat(90),
      "第一句。第二句！".repeat(80),
    ]) {
      const pieces = splitLong({ kind: "translate", original: text, text, held: [] }, 130, estimate);
      expect(pieces.map((piece) => piece.text).join("")).toBe(text);
      for (const piece of pieces) expect(piece.text.length).toBeLessThanOrEqual(130);
    }
  });
});
