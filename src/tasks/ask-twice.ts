import type { AnswerEvent } from "../core/answer.ts";
import { TaskError } from "../core/task-error.ts";

/** What was known of the servers may be out of date: while nothing was shown, they are looked for again, once. */
export async function* askTwice(run: () => AsyncIterable<AnswerEvent>, forget: () => void): AsyncIterable<AnswerEvent> {
  let shown = false;
  try {
    for await (const event of run()) {
      shown ||= event.kind !== "routed" && event.kind !== "notice";
      yield event;
    }
  } catch (error) {
    const isStale =
      error instanceof TaskError && (error.kind === "server-unreachable" || error.kind === "model-missing");
    if (isStale || (error instanceof TaskError && error.kind === "server-lost")) forget();
    if (!isStale || shown) throw error;
    yield* run();
  }
}
