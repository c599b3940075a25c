// One request of a model, when its turn has come.
import type { IncomingMessage } from "node:http";
import type { AnswerEvent } from "../core/answer.ts";
import type { App } from "../core/app.ts";
import type { Ask, TaskKind } from "../core/task.ts";
import type { Gate } from "./gate.ts";

export interface TurnParts {
  readonly app: Pick<App, "run">;
  readonly gate: Gate;
  /** Told how long it waited, ms. */
  readonly waited: (ms: number) => void;
}

export async function* runInTurn(
  { app, gate, waited }: TurnParts,
  ask: Ask,
  { kind, client }: { readonly kind: TaskKind; readonly client: string },
  stop: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const startMs = performance.now();
  const leave = await gate.enter(kind, client, stop);
  waited(performance.now() - startMs);
  try {
    yield* app.run(ask, stop);
  } finally {
    leave();
  }
}

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
