// What a model is told for a review, and in which form it answers.
import type { ChatMessage } from "../core/chat-message.ts";
import { fenced } from "../core/fence.ts";
import type { Severity } from "../core/finding.ts";
import type { AnswerLanguage, Source } from "../core/task.ts";
import { dataRule, system, user } from "./prompt.ts";
import { splitSource } from "./split-source.ts";
import type { PlanContext } from "./task-definition.ts";

export const severities = ["problem", "suggestion", "style"] as const satisfies readonly Severity[];
const maxFindings = 12;

/**
 * Length limits keep a small model from filling the answer with one field. The fields are written in this order: the
 * place is looked at before it is judged.
 */
export const reviewFormat = {
  type: "object",
  properties: {
    findings: {
      type: "array",
      maxItems: maxFindings,
      items: {
        type: "object",
        properties: {
          line: { type: "integer" },
          quote: { type: "string", maxLength: 300 },
          title: { type: "string", maxLength: 120 },
          body: { type: "string", maxLength: 800 },
          severity: { enum: severities },
          replacement: { type: "string", maxLength: 800 },
        },
        required: ["line", "quote", "title", "body", "severity"],
        additionalProperties: false,
      },
    },
  },
  required: ["findings"],
  additionalProperties: false,
};

/** What a server counts for the seams between what was counted apart. */
const seamTokens = 32;

/** Into parts that fit with their instructions, each line with the number before it. */
export function splitForReview(source: Source, wish: string, context: PlanContext): readonly Source[] {
  const { promptTokens, estimateTokens, answerLanguage } = context;
  const messages = messagesFor({ ...source, text: "" }, wish, answerLanguage);
  const around = messages.reduce((sum, message) => sum + estimateTokens(message.content) + seamTokens, 0);
  const last = (source.startLine ?? 1) + source.text.split("\n").length;
  const removed = source.change?.removed.flatMap(({ lines }) => lines) ?? [];
  const removedTokens = estimateTokens(removed.map((line) => `-| ${line}`).join("\n"));
  const costOf = (text: string) => estimateTokens(numbered({ text, startLine: last }));
  return splitSource(source, Math.max(1, promptTokens - around - removedTokens), costOf);
}

const rules: readonly string[] = [
  "You review code. Report real defects first: wrong results, crashes, security holes, leaks, races. Then improvements. Matters of taste last.",
  "Reply with JSON only, one entry for each finding, like this:",
];

/** What a good finding looks like; small models copy its form, and where they copy its words, those are dropped. */
const examples: Readonly<Record<AnswerLanguage, object>> = {
  en: {
    line: 7,
    quote: "data = open(path).read()",
    title: "The file is never closed",
    body: "Each call leaves one more file open; after many of them no file can be opened any more.",
    severity: "problem",
    replacement: "with open(path) as file:\n    data = file.read()",
  },
  "zh-CN": {
    line: 7,
    quote: "data = open(path).read()",
    title: "文件从未关闭",
    body: "每次调用都会多留一个打开的文件；次数多了，就再也打不开任何文件。",
    severity: "problem",
    replacement: "with open(path) as file:\n    data = file.read()",
  },
};

const fields: readonly string[] = [
  "line and quote: where it is; the line copied exactly, without its number.",
  "title: what is wrong, in one short sentence. body: why, and what happens because of it.",
  'severity: "problem" for defects, "suggestion" for improvements, "style" for taste.',
  "replacement: the corrected lines. Leave it out if you are not sure.",
  'If nothing is wrong, reply {"findings": []}. Never invent a defect.',
];

export const languageRules: Readonly<Record<AnswerLanguage, string>> = {
  en: "Write title and body in English.",
  "zh-CN": "title 和 body 用简体中文书写。",
};

const changeRule =
  "Lines with + behind their number are new; lines that begin with -| were taken away. Judge only this change: report what it breaks and what is wrong with the new lines. The other lines are there to understand it.";

/** @param isChange whether only what changed is to be judged */
export function instructionsIn(language: AnswerLanguage, isChange: boolean): readonly string[] {
  const example = JSON.stringify({ findings: [examples[language]] });
  return [...rules, example, ...fields, ...(isChange ? [changeRule] : []), dataRule];
}

export function messagesFor(source: Source, wish: string, language: AnswerLanguage): readonly ChatMessage[] {
  const rules = system(...instructionsIn(language, source.change !== undefined));
  return [rules, user(wish, fenced({ ...source, text: numbered(source) }), languageRules[language])];
}

function numbered({ text, startLine = 1, change }: Pick<Source, "text" | "startLine" | "change">): string {
  const added = new Set(change?.added);
  const removed = new Map(change?.removed.map(({ before, lines }) => [before, lines]));
  const goneBefore = (line: number) => (removed.get(line) ?? []).map((each) => `-| ${each}`);
  const lines = text.split("\n");
  const shown = lines.flatMap((line, index) => {
    const number = startLine + index;
    return [...goneBefore(number), `${number}${added.has(number) ? "+" : ""}| ${line}`];
  });
  return [...shown, ...goneBefore(startLine + lines.length)].join("\n");
}
