import type { AnswerEvent } from "../core/answer.ts";
import type { Watched } from "./loop-guard.ts";
import type { Step } from "./task-definition.ts";

type Read = NonNullable<Extract<Step, { kind: "prompt" }>["read"]>;

/** So often it is told that the model is writing while nothing of it can be shown. */
const tellEveryPieces = 8;

/**
 * Lets `read` turn the text of a model's answer into what is shown; everything else passes by. `read` may have enough
 * early: then the model is stopped, and the figures are ours.
 */
export async function* throughReader(
  model: AsyncIterable<AnswerEvent>,
  read: Read,
  watched: Watched,
): AsyncIterable<AnswerEvent> {
  const aside: AnswerEvent[] = [];
  const events = model[Symbol.asyncIterator]();
  let tick = Promise.withResolvers<"tick">();
  try {
    // What comes before the first text (loading, thinking) is passed on as it happens.
    let next = await events.next();
    while (!next.done && next.value.kind !== "text") {
      if (next.value.kind === "done") aside.push(next.value);
      else yield next.value;
      next = await events.next();
    }
    const pieces = async function* () {
      let count = 0;
      for (let each = next; !each.done; each = await events.next()) {
        if (each.value.kind !== "text") {
          aside.push(each.value);
          continue;
        }
        if (count++ % tellEveryPieces === 0) {
          tick.resolve("tick");
          tick = Promise.withResolvers();
        }
        yield each.value.text;
      }
    };
    const shown = read(pieces())[Symbol.asyncIterator]();
    let output = shown.next();
    for (;;) {
      const first = await Promise.race([output, tick.promise]);
      if (first === "tick") {
        yield { kind: "writing", answerTokens: watched.stats().answerTokens };
        continue;
      }
      if (first.done) break;
      yield first.value;
      output = shown.next();
    }
    yield* aside;
    if (!aside.some((event) => event.kind === "done")) yield { kind: "done", stats: watched.stats(), finish: "stop" };
  } finally {
    await events.return?.();
  }
}
