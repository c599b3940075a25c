import type { AnswerEvent } from "../core/answer.ts";
import { beside, type Stream, stream, through } from "../core/stream.ts";
import { TaskError } from "../core/task-error.ts";

/** What tells of the way to an answer and is nothing of it. */
const before: readonly AnswerEvent["kind"][] = ["routed", "notice", "waiting", "answering", "loading"];

/**
 * Asked again, once, while nothing of the answer was shown: what was known of the servers may be out of date, and one that
 * fell may be there again.
 * @param recover forgets what is known, and waits where that helps
 */
export function askTwice(run: () => AsyncIterable<AnswerEvent>, recover: () => Promise<void>): Stream<AnswerEvent> {
  return stream(async (take) => {
    let shown = false;
    try {
      await beside(run(), take, (event) => {
        shown ||= !before.includes(event.kind);
        return take(event);
      });
    } catch (error) {
      const isLost =
        error instanceof TaskError && ["server-unreachable", "server-lost", "model-missing"].includes(error.kind);
      if (!isLost) throw error;
      if (shown) {
        // Nobody waits for it: the answer is broken.
        void recover().catch(() => undefined);
        throw error;
      }
      await recover();
      await through(run(), take);
    }
  });
}
