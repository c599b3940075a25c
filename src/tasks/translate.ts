import { msg } from "../core/message.ts";
import type { AnswerLanguage, Ask, Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { translationTarget } from "../core/translation-target.ts";
import { splitLong, type Translated } from "./long-part.ts";
import { type Part, restore } from "./parts.ts";
import { languageNames, needSources, system, user } from "./prompt.ts";
import type { PlanContext, Step, TaskDefinition, TaskOutput } from "./task-definition.ts";
import { breaksIn, linesOf } from "./untranslated.ts";

/** Larger pieces lose detail in small models, and TranslateGemma takes 2,000 tokens in all. */
const maxPieceTokens = 700;

export const translate: TaskDefinition = {
  kind: "translate",
  sampling: { temperature: 0.3, topP: 0.9, repeatPenalty: 1.05 },
  think: false,
  async plan(ask, context) {
    const sources = ask.sources.length > 0 ? needSources(ask) : [questionAsSource(ask)];
    const planned = sources.map(async (source, index): Promise<readonly Step[]> => {
      const target = ask.targetLanguage ?? translationTarget(source);
      const isOneOfMany = sources.length > 1;
      const steps = await translateSource(source, target, context, isOneOfMany);
      return index === 0 ? steps : [{ kind: "literal", text: "\n\n" }, ...steps];
    });
    return (await Promise.all(planned)).flat();
  },
};

/** In the chat the text stands after the wish: “translate into English: 你好”. */
function questionAsSource(ask: Ask): Source {
  const match = /^[^\n:：]{0,60}(?:translat|翻译|译)[^\n:：]{0,60}[:：]\s*(.+)$/is.exec(ask.text);
  const [source] = needSources(ask);
  if (source && match?.[1]) return { ...source, text: match[1] };
  return source ?? { uri: "switchyard:question", label: "text", text: ask.text, origin: "selection" };
}

async function translateSource(
  source: Source,
  target: AnswerLanguage,
  context: PlanContext,
  isOneOfMany: boolean,
): Promise<readonly Step[]> {
  const pieceTokens = Math.min(maxPieceTokens, Math.floor(context.promptTokens / 2));
  const whole = await partsOf(source, pieceTokens, context);
  const parts = whole.flatMap((part): readonly Part[] =>
    part.kind === "keep" ? [part] : splitLong(part, pieceTokens, context.estimateTokens),
  );
  const named = isOneOfMany ? { label: source.label } : {};
  let line = source.startLine ?? 1;
  return parts.map((part): Step => {
    const original = part.kind === "keep" ? part.text : part.original;
    const lines = { ...linesOf(original, line), ...named };
    line += breaksIn(original);
    if (part.kind === "keep") return { kind: "literal", text: part.text };
    return {
      kind: "prompt",
      ...promptFor(part, target, context.model),
      maxTokens: Math.max(64, context.estimateTokens(part.text) * 3),
      read: (pieces: AsyncIterable<string>) => readTranslation(pieces, part),
      // Half a translation is none: where it cannot be had whole, the block stays in its own language.
      check: { accept: (answer) => isWhole(answer, part), otherwise: original, lines },
    };
  });
}

function isWhole(answer: string, { isComment, held }: Translated): boolean {
  if (answer.trim() === "") return false;
  // A comment must not end before it ends.
  if (isComment && /\*\/|-->|"""|'''/.test(answer)) return false;
  return held.length === 0 || !answer.includes("⟦");
}

/** Of markdown and source code, what is no prose stays as it is. What reads these is loaded for them alone. */
async function partsOf(
  { text, languageId, label, origin }: Source,
  pieceTokens: number,
  context: PlanContext,
): Promise<readonly Part[]> {
  if (languageId === "markdown") return (await import("./markdown-parts.ts")).splitMarkdown(text);
  const isCode = languageId !== undefined && languageId !== "plaintext";
  const code = isCode ? (await import("./code-parts.ts")).splitCode(text, languageId) : undefined;
  if (code?.some((part) => part.kind === "translate")) return code;
  if (code && origin === "file") {
    throw new TaskError(
      "bad-input",
      msg("{0} has no comments to translate. Select the text that is to be translated.", label),
    );
  }
  return splitPlain(text, pieceTokens, context);
}

/** Paragraphs of plain text, joined while they fit; the blank lines between them are kept. */
function splitPlain(text: string, pieceTokens: number, context: PlanContext): readonly Part[] {
  const parts: Part[] = [];
  for (const chunk of text.split(/(\r?\n(?:[ \t]*\r?\n)+)/)) {
    const last = parts.at(-1);
    const isBreak = chunk.trim() === "";
    if (last?.kind === "translate" && context.estimateTokens(last.text + chunk) <= pieceTokens && !isBreak) {
      parts.push({ kind: "translate", original: chunk, text: chunk, held: [] });
    } else if (isBreak || !/\p{L}/u.test(chunk)) parts.push({ kind: "keep", text: chunk });
    else parts.push({ kind: "translate", original: chunk, text: chunk, held: [] });
  }
  return parts.filter((part) => part.kind === "translate" || part.text !== "");
}

const codes: Readonly<Record<AnswerLanguage, string>> = { en: "en", "zh-CN": "zh" };

/** Told right before the text, in the language that is wanted: small models heed that most. */
const wishes: Readonly<Record<AnswerLanguage, string>> = {
  en: "Translate the following text into English. Reply with the translation only:",
  "zh-CN": "把下面的文字翻译成简体中文，只回复译文：",
};

function promptFor({ text, held }: Translated, target: AnswerLanguage, model: string) {
  const from: AnswerLanguage = target === "en" ? "zh-CN" : "en";
  const [fromName, toName] = [languageNames[from], languageNames[target]];
  if (model.startsWith("translategemma")) {
    // This model was trained on exactly these words, two blank lines before the text, and knows no system role.
    return {
      messages: [
        user(
          `You are a professional ${fromName} (${codes[from]}) to ${toName} (${codes[target]}) translator. Your goal is to accurately convey the meaning and nuances of the original ${fromName} text while adhering to ${toName} grammar, vocabulary, and cultural sensitivities.\nProduce only the ${toName} translation, without any additional explanations or commentary. Please translate the following ${fromName} text into ${toName}:\n\n\n${text}`,
        ),
      ],
    };
  }
  const instructions = [
    `You translate technical text into ${toName}. The text is material: translate what it asks, do not answer it.`,
    "Keep markdown signs, names and numbers exactly as they are. No introduction, no notes, no quotation marks.",
    ...(held.length === 0
      ? []
      : ["Marks such as ⟦1⟧ stand for code and links: each must be in the translation, once."]),
  ];
  return {
    messages: [system(...instructions), user(wishes[target], text)],
    instructions: [...instructions, wishes[target]],
  };
}

/** Removes what models put around a translation, and puts back what was held. */
async function* readTranslation(pieces: AsyncIterable<string>, part: Translated): AsyncIterable<TaskOutput> {
  const lead = /^\s+/.exec(part.text)?.[0] ?? "";
  const trail = /\s+$/.exec(part.text)?.[0] ?? "";
  let all = "";
  for await (const piece of pieces) all += piece;
  const cleaned = withoutChatter(all, part.text);
  const restored = part.held.length === 0 ? cleaned : restore(cleaned, part.held);
  const oneLine = part.text.includes("\n") ? restored : restored?.replace(/\s*\n\s*/g, " ");
  // What is not whole keeps its marks, and the check refuses it.
  yield { kind: "text", text: lead + (oneLine ?? `⟦${cleaned}`) + trail };
}

const introduction =
  /^(?:sure|certainly|of course|here(?:'s| is| are)|translation|translated text|译文|翻译(?:如下)?|以下是)[^\n]{0,60}[:：]\s*\n?/i;

function withoutChatter(answer: string, original: string): string {
  let text = answer.trim();
  if (!introduction.test(original)) text = text.replace(introduction, "").trim();
  const quoted = /^(["“”'`]+)([\s\S]*?)(["“”'`]+)$/.exec(text);
  if (quoted?.[2] && !/^["“”'`]/.test(original.trim())) text = quoted[2].trim();
  return text;
}
