import { JSONParser } from "@streamparser/json";
import * as z from "zod/mini";
import { touchesChange } from "../core/changed-parts.ts";
import type { Finding, Severity } from "../core/finding.ts";
import { msg } from "../core/message.ts";
import type { AnswerLanguage, Source } from "../core/task.ts";
import { findAnchor } from "./anchor.ts";
import { createEcho, type Echo } from "./echo.ts";
import { needSources } from "./prompt.ts";
import {
  instructionsIn,
  languageRules,
  messagesFor,
  reviewFormat,
  severities,
  splitForReview,
} from "./review-prompt.ts";
import type { PlanContext, Step, TaskDefinition, TaskOutput } from "./task-definition.ts";

const maxRepeats = 2;

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
    const parts = needSources(ask).flatMap((source) => splitForReview(source, ask.text, context));
    return parts.map((source) => reviewStep(source, ask.text, context, parts.length > 1));
  },
};

function reviewStep(source: Source, wish: string, context: PlanContext, isOneOfMany: boolean): Step {
  const { answerLanguage: language, model, modelBytes } = context;
  const small = modelBytes > 0 && modelBytes < largeEnoughBytes ? model : undefined;
  const echo = createEcho([...instructionsIn(language, source.change !== undefined), languageRules[language]]);
  return {
    kind: "prompt",
    format: reviewFormat,
    messages: messagesFor(source, wish, language),
    read: (pieces) => readFindings(pieces, { source, language, isOneOfMany, echo, small }),
  };
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
async function* readFindings(pieces: AsyncIterable<string>, reading: Reading): AsyncIterable<TaskOutput> {
  const { source, language, isOneOfMany } = reading;
  const ready: unknown[] = [];
  let failed = false;
  const parser = new JSONParser({ paths: ["$.findings.*"], keepStack: false });
  parser.onValue = ({ value }) => ready.push(value);
  parser.onError = () => {
    failed = true;
  };
  if (isOneOfMany) yield { kind: "text", text: `### ${source.label}\n\n` };
  let all = "";
  const sieve = createSieve(reading);
  for await (const piece of pieces) {
    // Servers that know no schema let their model begin with “Here is the JSON:” or a fence.
    const isBegun = all.includes("{");
    all += piece;
    const json = isBegun ? piece : piece.slice(Math.max(0, piece.indexOf("{")));
    if (all.includes("{") && !failed && !parser.isEnded) parser.write(json);
    for (const value of ready.splice(0)) {
      const finding = sieve.take(value);
      if (!finding) continue;
      yield { kind: "finding", finding };
      yield { kind: "text", text: markdownOf(finding, sieve.kept(), language) };
    }
    if (sieve.repeats() >= maxRepeats) break;
  }
  const isJson = !failed && all.includes("{");
  yield* ending(reading, sieve, isJson ? undefined : all, parser.isEnded);
}

interface Sieve {
  /** @returns the finding that a value is, if it is one that says something */
  take(value: unknown): Finding | undefined;
  /** How many it gave back. */
  kept(): number;
  repeats(): number;
  echoes(): number;
  /** Titles of those about lines that are not to be judged. */
  outside(): readonly string[];
}

function createSieve({ source, echo }: Reading): Sieve {
  /** Small models say the same again and again: then that is all they have to say. */
  const seen = new Set<string>();
  const outside: string[] = [];
  let [kept, repeats, echoes] = [0, 0, 0];
  const take = (value: unknown) => {
    const finding = toFinding(value, source);
    if (!finding) return undefined;
    if (seen.has(finding.title)) {
      repeats++;
      return undefined;
    }
    seen.add(finding.title);
    if (isEmpty(finding, echo)) {
      echoes++;
      return undefined;
    }
    if (!isAsked(finding, source)) {
      outside.push(finding.title);
      return undefined;
    }
    kept++;
    return finding;
  };
  return { take, kept: () => kept, repeats: () => repeats, echoes: () => echoes, outside: () => outside };
}

/** Where only a change is to be judged: whether it is about that. A finding without a place may be. */
function isAsked({ quote, startLine, endLine }: Finding, { change }: Source): boolean {
  return change === undefined || quote === "" || touchesChange(change, startLine, endLine);
}

/**
 * What is said below the findings, and where there are none.
 * @param plain the answer, where it is not in the form
 */
function* ending(reading: Reading, sieve: Sieve, plain: string | undefined, isWhole: boolean): Iterable<TaskOutput> {
  const outside = sieve.outside();
  if (outside.length > 0) {
    const titles = outside.map((title) => `“${title}”`).join(", ");
    yield { kind: "notice", text: msg("Left out, for it is about lines that did not change: {0}", titles) };
  }
  if (sieve.kept() > 0) return;
  if (plain !== undefined) {
    yield {
      kind: "notice",
      text: msg("The model did not keep to the form of a review; its answer is shown as it came."),
      failed: "form",
    };
    yield { kind: "text", text: `${plain}\n\n` };
  } else if (sieve.echoes() > 0) {
    const text = msg("The model only repeated its instructions. Try a larger model.");
    yield { kind: "notice", text, failed: "form" };
  } else if (isWhole) {
    yield { kind: "text", text: nothingFound(reading.language, reading.small) };
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
