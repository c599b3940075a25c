// What went wrong while a model answered is tried once more with other sampling; the good part is kept.
import type { AnswerEvent } from "../core/answer.ts";
import type { ChatMessage } from "../core/chat-message.ts";
import { countPrompt } from "../core/count-prompt.ts";
import { detectLanguage } from "../core/language.ts";
import { type Message, msg } from "../core/message.ts";
import { beside, type Stream, stream, type Take } from "../core/stream.ts";
import type { AnswerLanguage, Sampling } from "../core/task.ts";
import { addStats } from "./add-stats.ts";
import { answered, watchStep } from "./ask-model.ts";
import { judgeLanguage, untilWrongLanguage } from "./language-guard.ts";
import type { Run } from "./leave.ts";
import type { Cut, Watched } from "./loop-guard.ts";
import type { Job } from "./prepare.ts";
import type { PromptStep } from "./task-definition.ts";

type Done = Extract<AnswerEvent, { kind: "done" }>;

/** Room that another try has to have for its answer, tokens. */
const leastRoom = 256;

/** Warmer, and dearer to repeat: what went wrong once goes wrong again with the same. */
export function otherSampling(sampling: Sampling): Sampling {
  const { temperature, repeatPenalty } = sampling;
  return {
    ...sampling,
    temperature: Math.min(1, temperature + 0.3),
    repeatPenalty: Math.max(repeatPenalty, Math.min(1.3, repeatPenalty + 0.1)),
  };
}

/** Asks; what begins in another language is asked for anew, what begins to go wrong later goes on from its good part. */
export function runTwice(job: Job, step: PromptStep, way: Run, signal: AbortSignal): Stream<AnswerEvent> {
  return stream(async (take) => {
    const watched = watchStep(step);
    const beginning = { isWrong: false };
    const model = answered(job, step, watched, way, signal);
    const seen: { end?: Done } = {};
    await beside(step.language ? untilWrongLanguage(model, step.language, beginning) : model, take, (event) => {
      if (event.kind !== "done") return take(event);
      seen.end = event;
      return undefined;
    });
    const again = nextTry(job, step, beginning.isWrong, watched.cut());
    if (!again) {
      if (seen.end) await tellEnd(seen.end, watched, take);
      return;
    }
    await take({ kind: "notice", text: again.notice });
    const second = watchStep(again.step);
    const stats = seen.end?.stats ?? watched.stats();
    let begun = "";
    await beside(told(answered(job, again.step, second, way, signal), second), take, async (event) => {
      if (event.kind === "text" && begun.length < judgedLength) begun += event.text;
      if (event.kind !== "done") return take(event);
      if (beginning.isWrong && isWrongAgain(begun, step.language)) await take(stillOther);
      return take({ ...event, stats: addStats(stats, event.stats) });
    });
  });
}

const stillOther: AnswerEvent = {
  kind: "notice",
  text: msg("The answer is in another language than was asked for, the second time as well. Try a larger model."),
  failed: "language",
};

/** So much of a second answer tells its language, characters. */
const judgedLength = 500;

function isWrongAgain(begun: string, wanted: AnswerLanguage | undefined): boolean {
  return wanted !== undefined && judgeLanguage(begun.slice(0, judgedLength), wanted) === "wrong";
}

/** Says at the end of an answer why its model was stopped. */
export function told(events: AsyncIterable<AnswerEvent>, watched: Watched): Stream<AnswerEvent> {
  return stream((take) =>
    beside(events, take, (event) => (event.kind === "done" ? tellEnd(event, watched, take) : take(event))),
  );
}

async function tellEnd(end: Done, watched: Watched, take: Take<AnswerEvent>): Promise<void> {
  const cut = watched.cut();
  if (cut) await take({ kind: "notice", text: whyCut(cut), failed: cut.kind === "loop" ? "repetition" : "language" });
  await take(end);
}

function whyCut({ kind }: Cut): Message {
  return kind === "loop"
    ? msg("The model began to repeat itself and was stopped.")
    : msg("The model went over to another language and was stopped.");
}

interface Try {
  readonly step: PromptStep;
  readonly notice: Message;
}

function nextTry(job: Job, step: PromptStep, isWrong: boolean, cut: Cut | undefined): Try | undefined {
  // Where an answer costs, it is not bought twice; another program knows itself what to do with a bad one.
  if (job.model.place === "cloud" || (cut && !step.instructions)) return undefined;
  const sampling = otherSampling(job.base.sampling);
  if (isWrong && step.language) {
    const messages = remind(step.messages, step.language);
    const notice = msg("The model began in another language than was asked for; it was asked once more.");
    return { step: { ...step, messages, sampling }, notice };
  }
  if (!cut) return undefined;
  const next: PromptStep = { ...step, messages: goOn(step, cut), sampling };
  return countPrompt(next) + leastRoom > job.base.contextTokens ? undefined : { step: next, notice: whatNext(cut) };
}

function whatNext({ kind }: Cut): Message {
  return kind === "loop"
    ? msg("The model began to repeat itself and was stopped; it was asked once more to go on from what was good.")
    : msg("The model went over to another language and was stopped; it was asked once more to go on from there.");
}

function goOn({ messages, language }: PromptStep, { good }: Cut): readonly ChatMessage[] {
  if (good.trim() === "") return messages;
  const isChinese = (language ?? (detectLanguage(good) === "zh" ? "zh-CN" : "en")) === "zh-CN";
  const content = isChinese
    ? "请接着上文写完，只用简体中文，不要重复已经写过的内容。"
    : "Go on from there to the end, in English. Do not say anything again that you have said.";
  return [...messages, { role: "assistant", content: good }, { role: "user", content }];
}

function remind(messages: readonly ChatMessage[], wanted: AnswerLanguage): readonly ChatMessage[] {
  const reminder =
    wanted === "zh-CN" ? "必须只用简体中文回答，不要使用英文。" : "You must answer in English only, not in Chinese.";
  return messages.map((message, at) =>
    at === messages.length - 1 ? { ...message, content: `${message.content}\n\n${reminder}` } : message,
  );
}
