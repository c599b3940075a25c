import { JSONParser } from "@streamparser/json";
import * as z from "zod/mini";
import { fenced } from "../core/fence.ts";
import type { Finding, Severity } from "../core/finding.ts";
import { msg } from "../core/message.ts";
import type { AnswerLanguage, Source } from "../core/task.ts";
import { findAnchor } from "./anchor.ts";
import { dataRule, needSources, system, user } from "./prompt.ts";
import { splitSource } from "./split-source.ts";
import type { PlanContext, Step, TaskDefinition, TaskOutput } from "./task-definition.ts";

const severities = ["problem", "suggestion", "style"] as const satisfies readonly Severity[];
const maxFindings = 12;
const maxRepeats = 2;

/** Length limits keep a small model from filling the answer with one field. */
const format = {
  type: "object",
  properties: {
    findings: {
      type: "array",
      maxItems: maxFindings,
      items: {
        type: "object",
        properties: {
          severity: { enum: severities },
          line: { type: "integer" },
          quote: { type: "string", maxLength: 300 },
          title: { type: "string", maxLength: 120 },
          body: { type: "string", maxLength: 800 },
          replacement: { type: "string", maxLength: 800 },
        },
        required: ["severity", "line", "quote", "title", "body"],
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
    const parts = needSources(ask).flatMap((source) =>
      splitSource(source, partTokens(context), context.estimateTokens),
    );
    return parts.map((source) => reviewStep(source, ask.text, context.answerLanguage, parts.length > 1));
  },
};

/** Instructions and the numbers before each line take their share of the prompt. */
function partTokens(context: PlanContext): number {
  return Math.floor((context.promptTokens - 500) / 1.35);
}

function reviewStep(source: Source, wish: string, language: AnswerLanguage, isOneOfMany: boolean): Step {
  return {
    kind: "prompt",
    format,
    messages: [
      system(
        "You are a careful senior code reviewer. Report real defects first: wrong results, crashes, security holes, leaks, races; then suggestions; style last.",
        'Reply with JSON: {"findings": [{"severity", "line", "quote", "title", "body", "replacement"}]}.',
        'severity: "problem" for defects, "suggestion" for improvements, "style" for taste.',
        "line: the number before the line. quote: that line copied exactly, without its number.",
        "title: one short sentence. body: why it is wrong and what happens. replacement: the corrected lines for quote; leave it out if you are not sure.",
        'If nothing is wrong, reply {"findings": []}. Never invent a defect.',
        dataRule,
      ),
      user(
        wish,
        fenced({ ...source, text: numbered(source.text, source.startLine ?? 1) }),
        language === "zh-CN" ? "title 和 body 用简体中文书写。" : "Write title and body in English.",
      ),
    ],
    read: (pieces) => readFindings(pieces, source, language, isOneOfMany),
  };
}

function numbered(text: string, firstLine: number): string {
  return text
    .split("\n")
    .map((line, index) => `${firstLine + index}| ${line}`)
    .join("\n");
}

/** Each finding is shown as soon as its closing bracket has come. What is not JSON is shown as it is. */
async function* readFindings(
  pieces: AsyncIterable<string>,
  source: Source,
  language: AnswerLanguage,
  isOneOfMany: boolean,
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
  for await (const piece of pieces) {
    all += piece;
    if (!failed && !parser.isEnded) parser.write(piece);
    for (const value of ready.splice(0)) {
      const finding = toFinding(value, source);
      if (finding && seen.has(finding.title)) repeats++;
      if (!finding || seen.has(finding.title)) continue;
      seen.add(finding.title);
      count++;
      yield { kind: "finding", finding };
      yield { kind: "text", text: markdownOf(finding, count) };
    }
    if (repeats >= maxRepeats) break;
  }
  if (failed && count === 0) {
    yield {
      kind: "notice",
      text: msg("The model did not keep to the form of a review; its answer is shown as it came."),
    };
    yield { kind: "text", text: `${all}\n\n` };
  } else if (count === 0) {
    yield { kind: "text", text: language === "zh-CN" ? "没有发现问题。\n\n" : "No problems found.\n\n" };
  }
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

function markdownOf(finding: Finding, number: number): string {
  const lines =
    finding.startLine === finding.endLine ? `${finding.startLine}` : `${finding.startLine}–${finding.endLine}`;
  const place = finding.quote === "" ? "" : ` (${lines})`;
  return `**${number}. ${marks[finding.severity]} ${finding.title.replace(/[\\`*_[\]<>|~]/g, "\\$&")}**${place}\n\n${finding.body}\n\n`;
}
