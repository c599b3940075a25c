import type { Badge } from "./answer.ts";
import type { Place } from "./backend.ts";
import type { Finding } from "./finding.ts";
import type { LocalOnlyPart } from "./local-only.ts";
import type { Message } from "./message.ts";
import type { Remedies } from "./remedy.ts";
import type { TaskKind } from "./task.ts";

/** What the person saw of a source in the chat; the text itself stays in the exchange. */
export interface AttachedSource {
  readonly uri: string;
  readonly label: string;
  readonly startLine?: number;
  readonly endLine?: number;
}

/** Where a question was asked: a document, and the group of editors it was seen in. */
export interface AskedIn {
  readonly uri: string;
  readonly column?: number;
}

/** One question and its answer. */
export interface Exchange {
  readonly id: string;
  readonly askedAtMs: number;
  /** What the person typed, or the title of the command they gave. */
  readonly question: string;
  /** Kind that a command stated; absent: typed in the chat. */
  readonly statedKind?: TaskKind;
  readonly sources: readonly AttachedSource[];
  /** Where the person was; absent: in no editor. */
  readonly askedIn?: AskedIn;
  /** Id of the exchange that this is another try of. */
  readonly retryOf?: string;
  /** What the person said of it. */
  readonly rating?: "good" | "bad";
  /** Markdown that arrived so far. */
  readonly answer: string;
  readonly thinking: string;
  readonly notices: readonly Message[];
  /** A machine found fault with it; this model could do better. */
  readonly better?: { readonly model: string; readonly place: Place };
  readonly findings: readonly Finding[];
  readonly state: ExchangeState;
  /** What in it had to stay on this machine. */
  readonly localOnly?: readonly LocalOnlyPart[];
  readonly badge?: Badge;
  readonly error?: { readonly kind: string; readonly text: Message; readonly remedies?: Remedies };
}

/** `interrupted`: the window went away in the middle; what had arrived is kept. */
export type ExchangeState =
  | "queued"
  | "routing"
  | "loading"
  | "streaming"
  | "done"
  | "stopped"
  | "failed"
  | "interrupted";

export interface Session {
  readonly id: string;
  readonly title: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly exchanges: readonly Exchange[];
}

export type SessionSummary = Pick<Session, "id" | "title" | "updatedAtMs">;

/** Keeps sessions over window reloads. Errors are `TaskError` of kind `storage`. */
export interface SessionStore {
  /** Newest first. A file that cannot be read is set aside and left out. */
  list(): Promise<readonly SessionSummary[]>;
  load(id: string): Promise<Session | undefined>;
  /** Replaces the stored session as a whole, or leaves the old one untouched. */
  save(session: Session): Promise<void>;
  delete(id: string): Promise<void>;
  /** Deletes all of them, those that were set aside as well. */
  clear(): Promise<void>;
}
