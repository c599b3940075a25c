import { JSONParser } from "@streamparser/json";
import * as z from "zod/mini";
import type { ChatMessage } from "../core/chat-message.ts";
import { fenced } from "../core/fence.ts";
import type { Finding, Severity } from "../core/finding.ts";
import { msg } from "../core/message.ts";
import type { AnswerLanguage, Source } from "../core/task.ts";
import { findAnchor } from "./anchor.ts";
import { createEcho, type Echo } from "./echo.ts";
import { dataRule, needSources, system, user } from "./prompt.ts";
import { splitSource } from "./split-source.ts";
import type { PlanContext, Step, TaskDefinition, TaskOutput } from "./task-definition.ts";

const severities = ["problem", "suggestion", "style"] as const satisfies readonly Severity[];
const maxFindings = 12;
const maxRepeats = 2;

/**
 * Length limits keep a small model from filling the answer with one field. The fields are written in this order: the
 * place is looked at before it is judged.
 */
const format = {
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

const findingSchema = z.object({
  severity: z.catch(z.enum(severities), "suggestion"),
  line: z.catch(z.number(), 1),
  quote: z.catch(z.string(), ""),
  title: z.string().check(z.trim(), z.minLength(1)),
  body: z.catch(z.string(), ""),
  replacement: z.optional(z.string()),
});

export const review: TaskDefinition = {
  kind: "review",
  sampling: { temperature: 0.1, topP: 0.9, repeatPenalty: 1.1 },
  think: false,
  plan(ask, context) {
    const parts = needSources(ask).flatMap((source) => split(source, ask.text, context));
    return parts.map((source) => reviewStep(source, ask.text, context, parts.length > 1));
  },
};

/** What a server counts for the seams between what was counted apart. */
const seamTokens = 32;

/** Into parts that fit with their instructions, each line with the number before it. */
function split(source: Source, wish: string, context: PlanContext): readonly Source[] {
  const { promptTokens, estimateTokens, answerLanguage } = context;
  const messages = messagesFor({ ...source, text: "" }, wish, answerLanguage);
  const around = messages.reduce((sum, message) => sum + estimateTokens(message.content) + seamTokens, 0);
  const last = (source.startLine ?? 1) + source.text.split("\n").length;
  const costOf = (text: string) => estimateTokens(numbered(text, last));
  return splitSource(source, Math.max(1, promptTokens - around), costOf);
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

const languageRules: Readonly<Record<AnswerLanguage, string>> = {
  en: "Write title and body in English.",
  "zh-CN": "title 和 body 用简体中文书写。",
};

function reviewStep(source: Source, wish: string, context: PlanContext, isOneOfMany: boolean): Step {
  const { answerLanguage: language, model, modelBytes } = context;
  const small = modelBytes > 0 && modelBytes < largeEnoughBytes ? model : undefined;
  const echo = createEcho([...instructionsIn(language), languageRules[language]]);
  return {
    kind: "prompt",
    format,
    messages: messagesFor(source, wish, language),
    read: (pieces) => readFindings(pieces, { source, language, isOneOfMany, echo, small }),
  };
}

function instructionsIn(language: AnswerLanguage): readonly string[] {
  return [...rules, JSON.stringify({ findings: [examples[language]] }), ...fields, dataRule];
}

function messagesFor(source: Source, wish: string, language: AnswerLanguage): readonly ChatMessage[] {
  const text = numbered(source.text, source.startLine ?? 1);
  return [system(...instructionsIn(language)), user(wish, fenced({ ...source, text }), languageRules[language])];
}

function numbered(text: string, firstLine: number): string {
  return text
    .split("\n")
    .map((line, index) => `${firstLine + index}| ${line}`)
    .join("\n");
}

interface Reading {
  readonly source: Source;
  readonly language: AnswerLanguage;
  readonly isOneOfMany: boolean;
  readonly echo: Echo;
  /** Name of a model whose “nothing found” says little. */
  readonly small: string | undefined;
}

/** Each finding is shown as soon as its closing bracket has come. What is not JSON is shown as it is. */
async function* readFindings(
  pieces: AsyncIterable<string>,
  { source, language, isOneOfMany, echo, small }: Reading,
): AsyncIterable<TaskOutput> {
  const ready: unknown[] = [];
  let failed = false;
  const parser = new JSONParser({ paths: ["$.findings.*"], keepStack: false });
  parser.onValue = ({ value }) => ready.push(value);
  parser.onError = () => {
    failed = true;
  };
  if (isOneOfMany) yield { kind: "text", text: `### ${source.label}\n\n` };
  let all = "";
  let count = 0;
  /** Small models say the same again and again: then that is all they have to say. */
  const seen = new Set<string>();
  let repeats = 0;
  let echoes = 0;
  for await (const piece of pieces) {
    // Servers that know no schema let their model begin with “Here is the JSON:” or a fence.
    const isBegun = all.includes("{");
    all += piece;
    const json = isBegun ? piece : piece.slice(Math.max(0, piece.indexOf("{")));
    if (all.includes("{") && !failed && !parser.isEnded) parser.write(json);
    for (const value of ready.splice(0)) {
      const finding = toFinding(value, source);
      if (finding && seen.has(finding.title)) repeats++;
      if (finding && !seen.has(finding.title) && isEmpty(finding, echo)) {
        seen.add(finding.title);
        echoes++;
      }
      if (!finding || seen.has(finding.title)) continue;
      seen.add(finding.title);
      count++;
      yield { kind: "finding", finding };
      yield { kind: "text", text: markdownOf(finding, count, language) };
    }
    if (repeats >= maxRepeats) break;
  }
  if (count > 0) return;
  if (failed || !all.includes("{")) {
    yield {
      kind: "notice",
      text: msg("The model did not keep to the form of a review; its answer is shown as it came."),
      failed: "form",
    };
    yield { kind: "text", text: `${all}\n\n` };
  } else if (echoes > 0) {
    const text = msg("The model only repeated its instructions. Try a larger model.");
    yield { kind: "notice", text, failed: "form" };
  } else if (parser.isEnded) {
    yield { kind: "text", text: nothingFound(language, small) };
  } else {
    // Cut in the middle of its first finding: that is not “no problems”.
    const text = msg("The review ended before its first finding was complete. Review it again.");
    yield { kind: "notice", text, failed: "form" };
  }
}

/** Weights of about two billion parameters; below, models overlook what a person sees at once. */
const largeEnoughBytes = 1.2e9;

function nothingFound(language: AnswerLanguage, small: string | undefined): string {
  if (language === "zh-CN") {
    return small
      ? `没有发现问题；但 ${small} 很小，大多数问题它都看不出来。审查请用更大的模型。\n\n`
      : "没有发现问题。\n\n";
  }
  return small
    ? `No problems found, but ${small} is small and overlooks most of them: use a larger model for reviews.\n\n`
    : "No problems found.\n\n";
}

/** A finding that says the instructions back, or one of the example that is about no line of this text. */
function isEmpty({ title, body, quote }: Finding, echo: Echo): boolean {
  return echo.isEcho(body) || (quote === "" && echo.isEcho(title));
}

function toFinding(value: unknown, source: Source): Finding | undefined {
  const parsed = findingSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { severity, title, body, quote, line, replacement } = parsed.data;
  const offset = (source.startLine ?? 1) - 1;
  const anchor = findAnchor(source.text, quote, line - offset);
  const isUseful = replacement !== undefined && anchor.quote !== "" && replacement.trim() !== anchor.quote.trim();
  return {
    uri: source.uri,
    severity,
    title,
    body,
    startLine: anchor.startLine + offset,
    endLine: anchor.endLine + offset,
    quote: anchor.quote,
    ...(isUseful ? { replacement: indentedAs(replacement, anchor.quote) } : {}),
  };
}

/** Models drop the indentation of what they quote: it is put back. */
function indentedAs(replacement: string, quote: string): string {
  const indent = /^[ \t]*/.exec(quote)?.[0] ?? "";
  if (indent === "" || replacement.startsWith(indent)) return replacement;
  return replacement
    .split("\n")
    .map((line) => (line === "" ? line : indent + line))
    .join("\n");
}

const marks: Readonly<Record<Severity, string>> = { problem: "●", suggestion: "○", style: "·" };

function markdownOf({ startLine, endLine, ...finding }: Finding, number: number, language: AnswerLanguage): string {
  const lines = startLine === endLine ? `${startLine}` : `${startLine}–${endLine}`;
  const named = language === "zh-CN" ? `（第 ${lines} 行）` : ` (${startLine === endLine ? "line" : "lines"} ${lines})`;
  const place = finding.quote === "" ? "" : named;
  return `**${number}. ${marks[finding.severity]} ${escaped(finding.title)}**${place}\n\n${finding.body}\n\n`;
}

/** A title is text, whatever signs are in it; an underscore inside a word is no sign. */
function escaped(title: string): string {
  return title.replace(/[\\`*[\]<>|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\$&");
}
