import type { AnswerEvent } from "../core/answer.ts";
import type { Loading, Scarcity } from "../core/scarcity.ts";
import { beside, type Stream, stream } from "../core/stream.ts";
import { TaskError } from "../core/task-error.ts";

/** What tells of the way to an answer and is nothing of it. */
const before: readonly AnswerEvent["kind"][] = ["routed", "notice", "waiting", "answering", "loading"];

/**
 * Asked again, once, while nothing of the answer was shown: what was known of the servers may be out of date, and one that
 * fell may be there again. A model that has to be loaded first and finds no room is told of, or is not waited for.
 * @param recover forgets what is known, and waits where that helps
 * @param findScarcity asked when a model begins to load, and never where one is loaded
 */
export function askTwice(
  run: () => AsyncIterable<AnswerEvent>,
  recover: () => Promise<void>,
  findScarcity: (loading: Loading, server: string) => Promise<Scarcity | undefined> = async () => undefined,
): Stream<AnswerEvent> {
  return stream(async (take) => {
    let shown = false;
    let server = "";
    let isLooked = false;
    let refused: TaskError | undefined;
    const look = async (event: Loading) => {
      const found = await findScarcity(event, server).catch(() => undefined);
      if (found?.kind === "refusal") {
        refused = new TaskError("server-error", found.text, { details: { isOutOfMemory: true } });
        throw new DOMException("It is not waited for", "AbortError");
      }
      if (found) await take({ kind: "notice", text: found.text });
      await take(event);
    };
    const once = async () => {
      await beside(run(), take, (event) => {
        shown ||= !before.includes(event.kind);
        if (event.kind === "routed") server = event.route.backend;
        if (event.kind === "answering") server = event.backend;
        if (event.kind !== "loading" || isLooked) return take(event);
        isLooked = true;
        return look(event);
      }).catch((error: unknown) => {
        throw refused ?? error;
      });
    };
    try {
      await once();
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
      await once();
    }
  });
}
