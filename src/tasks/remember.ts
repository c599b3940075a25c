// Whole answers are kept, and given again to the same question of the same model.
import type { AnswerEvent } from "../core/answer.ts";
import type { AnswerCache, CachedAnswer } from "../core/answer-cache.ts";
import type { Finding } from "../core/finding.ts";
import { leavable } from "../core/leavable.ts";
import { type Stream, stream, through, watch } from "../core/stream.ts";
import { requestsOf } from "./ask-model.ts";
import type { Job } from "./prepare.ts";

export interface Memory {
  /** The kept answer, where there is one; nobody is asked. */
  known(job: Job): Promise<Iterable<AnswerEvent> | undefined>;
  /** The kept answer where there is one, else a new one, which is kept when it is whole. Equal questions ask once. */
  recall(job: Job, answer: () => AsyncIterable<AnswerEvent>, signal: AbortSignal): AsyncIterable<AnswerEvent>;
}

/** Who asks for a story again wants another one: warmer than this, answers are not kept. */
const warmest = 0.5;

/** @param hash the same short text for equal texts, and for no others */
export function createMemory(cache: AnswerCache, nowMs: () => number, hash: (text: string) => string): Memory {
  const running = new Map<string, Promise<void>>();
  /** Of jobs that were asked for before they are begun: the prompt may be long. */
  const keys = new WeakMap<Job, string>();
  const keyOf = (job: Job) => keys.get(job) ?? hash(partsOf(job));
  return {
    async known(job) {
      if (!isKept(job)) return undefined;
      const key = keyOf(job);
      keys.set(job, key);
      const known = await cache.get(key);
      return known && shown(known);
    },
    recall(job, answer, signal) {
      if (!isKept(job)) return answer();
      return stream(async (take) => {
        const key = keyOf(job);
        for (let before = running.get(key); before !== undefined; before = running.get(key))
          await leavable(before, signal);
        const turn = Promise.withResolvers<void>();
        running.set(key, turn.promise);
        try {
          const known = await cache.get(key);
          if (known) for (const event of shown(known)) await take(event);
          else
            await through(
              kept(answer(), (whole) => void cache.put(key, whole), nowMs),
              take,
            );
        } finally {
          running.delete(key);
          turn.resolve();
        }
      });
    },
  };
}

function isKept({ steps, base }: Job): boolean {
  // What a call came to may be another thing the next time.
  const hasTools = steps.some((step) => step.kind === "prompt" && step.toolUse);
  return !hasTools && base.sampling.temperature <= warmest;
}

/**
 * All that decides an answer: weights, sampling, every message and every limit. What was said stands behind, as it is,
 * since it may be long: where each ends is told before.
 */
function partsOf(job: Job): string {
  const { name, digest, backend, sizeBytes } = job.model;
  const weights = digest ?? `${backend} ${sizeBytes}`;
  const said: string[] = [];
  // Where it was asked before makes no difference to what is answered.
  const requests = requestsOf(job).map(({ conversation: _, messages, ...request }) => ({
    ...request,
    messages: messages.map((message) => {
      const { content } = message;
      // Half a character can only be told from another one as JSON has it.
      if (!content.isWellFormed()) return message;
      said.push(content);
      return { ...message, content: content.length };
    }),
  }));
  const rest = job.steps.filter((step) => step.kind !== "prompt");
  return [JSON.stringify([name, weights, rest, requests]), ...said].join("\n");
}

function* shown({ text, findings, stats, storedAtMs }: CachedAnswer): Iterable<AnswerEvent> {
  for (const finding of findings) yield { kind: "finding", finding };
  if (text !== "") yield { kind: "text", text, keptAtMs: storedAtMs };
  yield { kind: "done", stats, finish: "stop", keptAtMs: storedAtMs };
}

function kept(
  answer: AsyncIterable<AnswerEvent>,
  keep: (whole: CachedAnswer) => void,
  nowMs: () => number,
): Stream<AnswerEvent> {
  return stream((take) => {
    let text = "";
    const findings: Finding[] = [];
    let isWhole = true;
    return watch(answer, take, (event) => {
      if (event.kind === "text") text += event.text;
      else if (event.kind === "finding") findings.push(event.finding);
      // Something was not as it should be: cut, repeated, left out.
      else if (event.kind === "notice") isWhole = false;
      // Kept before it is told to be done: who stops reading then has kept it too.
      else if (event.kind === "done" && event.finish === "stop" && isWhole && text.trim() !== "") {
        keep({ text, findings, stats: event.stats, storedAtMs: nowMs() });
      }
    });
  });
}
