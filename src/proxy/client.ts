// Who asks, for whose turn it is and where a conversation was read before; and how long it waited.
import type { IncomingMessage } from "node:http";
import type { AnswerEvent } from "../core/answer.ts";
import { beside, type Stream, stream } from "../core/stream.ts";

/** Passes an answer on. @param waited told once how long it waited for its turn and for a server, ms */
export function tellWait(events: AsyncIterable<AnswerEvent>, waited: (ms: number) => void): Stream<AnswerEvent> {
  return stream((take) => {
    let sinceMs: number | undefined;
    let totalMs = 0;
    let isTold = false;
    return beside(events, take, (event) => {
      if (event.kind === "waiting") sinceMs ??= performance.now();
      else if (sinceMs !== undefined) {
        totalMs += performance.now() - sinceMs;
        sinceMs = undefined;
      }
      if (!isTold && beginnings.has(event.kind)) {
        isTold = true;
        waited(totalMs);
      }
      return take(event);
    });
  });
}

const beginnings = new Set<AnswerEvent["kind"]>(["loading", "text", "thinking", "tool-call", "writing", "done"]);

/** Whose turn it is goes by this: sessions where a client tells them, else programs. */
export function clientOf({ headers }: IncomingMessage): string {
  const session = headers["x-claude-code-session-id"];
  return String(session ?? headers["user-agent"] ?? "").slice(0, 200);
}

/** A session and the agent in it; each agent has a beginning of its own. */
export function conversationOf({ headers }: IncomingMessage): string | undefined {
  const session = headers["x-claude-code-session-id"] ?? headers["session_id"] ?? headers["session-id"];
  if (typeof session !== "string" || session === "") return undefined;
  const agent = headers["x-claude-code-agent-id"];
  return `${session} ${typeof agent === "string" ? agent : ""}`.trim().slice(0, 200);
}
