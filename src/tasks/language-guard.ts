// Models drift into the language they were trained in most. The first words are held back until their script is known.
import type { AnswerEvent } from "../core/answer.ts";
import { detectLanguage } from "../core/language.ts";
import { eachUntil, type Stream, stream, takeAll } from "../core/stream.ts";
import type { AnswerLanguage, Ask } from "../core/task.ts";

/** So many signs of the wanted script decide that the language is right. */
const enough = { han: 4, latin: 24 };
/** So many of the other one, with next to none of the wanted, that it is wrong: names and terms may well come first. */
const tooMany = { han: 24, latin: 120 };
/** Answers that begin with code say nothing about their language; they are not held back. */
const fence = "```";
/** So often it is told that the model is writing while its words are held back. */
const tellEveryPieces = 8;
/** Longer than this, nothing is held back. */
const longestHeld = 600;
const languageNames =
  /中文|汉语|漢語|英文|英语|日文|日语|法语|德语|翻译|chinese|mandarin|english|french|german|japanese|korean|spanish|russian|translat|language/i;

export type Judgement = "right" | "wrong" | "open";

/**
 * The language an answer has to be in: that of the question, unless it is about languages, or in one that is
 * neither English nor Chinese.
 */
export function requiredLanguage(ask: Ask, wanted: AnswerLanguage): AnswerLanguage | undefined {
  const said = [ask.text, ...ask.history.filter((turn) => turn.role === "user").map((turn) => turn.text)];
  if (said.some((text) => languageNames.test(text))) return undefined;
  return detectLanguage(ask.text) === "other" ? undefined : wanted;
}

/** Judges the beginning of an answer by its script; code in it does not count. */
export function judgeLanguage(text: string, wanted: AnswerLanguage): Judgement {
  if (text.length > longestHeld || text.trimStart().startsWith(fence)) return "right";
  const prose = text.replace(/```[\s\S]*?(?:```|$)|`[^`\n]*`?/g, " ");
  const han = prose.match(/\p{Script=Han}/gu)?.length ?? 0;
  const latin = prose.match(/[A-Za-z]/g)?.length ?? 0;
  if (wanted === "zh-CN") {
    if (han >= enough.han) return "right";
    return latin >= tooMany.latin ? "wrong" : "open";
  }
  if (han >= tooMany.han && latin < han) return "wrong";
  return latin >= enough.latin && han * 4 < latin ? "right" : "open";
}

/** So much prose at the end is judged, characters: a quotation or a few terms are shorter. */
const driftLength = 500;

/** Where an answer went over to the other script, what it had said before that; undefined: it did not. Code does not count. */
export function beforeDrift(text: string, wanted: AnswerLanguage): string | undefined {
  if (text.length < driftLength) return undefined;
  const fences = text.split(fence).length - 1;
  if (fences % 2 === 1) return undefined;
  const end = text.slice(Math.max(text.lastIndexOf(fence) + fence.length, text.length - driftLength));
  if (end.length < driftLength - fence.length) return undefined;
  const prose = end.replace(/`[^`\n]*`?/g, " ");
  const han = prose.match(/\p{Script=Han}/gu)?.length ?? 0;
  const latin = prose.match(/[A-Za-z]/g)?.length ?? 0;
  const isOther = wanted === "zh-CN" ? han < 5 && latin > driftLength / 2 : latin < 15 && han > driftLength / 2;
  if (!isOther) return undefined;
  const before = text.slice(0, text.length - end.length);
  return before.slice(0, before.search(/[.!?。！？\n][^.!?。！？\n]*$/) + 1);
}

/** What became of an answer, for whoever reads its events. */
export interface Beginning {
  isWrong: boolean;
}

/** Passes an answer on once its language is right; ends at once, with nothing shown, where it is wrong. */
export function untilWrongLanguage(
  events: AsyncIterable<AnswerEvent>,
  wanted: AnswerLanguage,
  watched: Beginning,
): Stream<AnswerEvent> {
  return stream(async (take) => {
    const held: AnswerEvent[] = [];
    let text = "";
    let isOpen = true;
    try {
      await eachUntil(events, (event, enough) => {
        if (!isOpen) return take(event);
        if (event.kind !== "text") return event.kind === "done" ? takeAll([...held, event], take) : take(event);
        text += event.text;
        held.push(event);
        const judgement = judgeLanguage(text, wanted);
        if (judgement === "open")
          return held.length % tellEveryPieces === 0 ? take({ kind: "writing", answerTokens: held.length }) : undefined;
        if (judgement === "wrong") {
          watched.isWrong = true;
          enough();
        }
        isOpen = false;
        return takeAll(held, take);
      });
    } catch (error) {
      // Stopped or lost: what had come is shown.
      if (isOpen) await takeAll(held, take);
      throw error;
    }
  });
}
