// The messages between the extension and its chat page. The host owns sessions; the page is a view of them.
import type { Badge } from "./answer.ts";
import type { Finding } from "./finding.ts";
import type { LedgerEntry } from "./ledger.ts";
import type { MessageBundle } from "./message.ts";
import type { Loading } from "./names.ts";
import type { Remedies } from "./remedy.ts";
import type { Exchange, ExchangeState, Session, SessionSummary } from "./session.ts";
import type { TaskKind } from "./task.ts";

export const protocolVersion = 1;

/** What the page can ask for on a code block. */
export type CodeAction = "copy" | "insert" | "diff";

/** Commands that the page has buttons for. */
export const pageCommands = [
  "getModel",
  "pickModel",
  "attachSelection",
  "showAdvice",
  "setClaudeKey",
  "openSettings",
  "showLog",
  "startServices",
] as const;
export type PageCommand = (typeof pageCommands)[number];

export type ToHost =
  | { readonly kind: "ready"; readonly protocol: number; readonly sessionId?: string }
  | { readonly kind: "send"; readonly text: string }
  | { readonly kind: "stop"; readonly exchangeId: string }
  /** Asks the same again; with `pickModel` the host lets the person pick another model first. */
  | { readonly kind: "retry"; readonly exchangeId: string; readonly pickModel: boolean }
  /** The kind of task was another one: it is remembered, and asked again as that. */
  | { readonly kind: "correct"; readonly exchangeId: string; readonly task: TaskKind }
  | { readonly kind: "rate"; readonly exchangeId: string; readonly isGood: boolean }
  /** A machine found fault with the answer: the better model that was named is wanted. */
  | { readonly kind: "askBetter"; readonly exchangeId: string }
  /** It did not fit: a larger window is wanted, or another of the models that were named for it. */
  | { readonly kind: "remedy"; readonly exchangeId: string; readonly model?: string }
  /** Shows the answer beside the one it is another try of. */
  | { readonly kind: "compare"; readonly exchangeId: string }
  | {
      readonly kind: "code";
      readonly exchangeId: string;
      readonly action: CodeAction;
      readonly code: string;
      readonly language: string;
    }
  | { readonly kind: "openSource"; readonly uri: string; readonly line?: number }
  | { readonly kind: "openLink"; readonly href: string }
  | { readonly kind: "newSession" }
  | { readonly kind: "openSession"; readonly sessionId: string }
  | { readonly kind: "deleteSession"; readonly sessionId: string }
  | { readonly kind: "pickModel" }
  | { readonly kind: "command"; readonly name: PageCommand; readonly argument?: string }
  | { readonly kind: "detach"; readonly uri: string }
  /** Everything up to `seq` is drawn. Sent once a frame at most; the host holds back when too much is undrawn. */
  | { readonly kind: "ack"; readonly seq: number };

export type ToPage =
  | {
      readonly kind: "init";
      readonly protocol: number;
      /** BCP 47 tag of the interface language. */
      readonly locale: string;
      readonly strings: MessageBundle;
      readonly session: Session;
      readonly sessions: readonly SessionSummary[];
      readonly modelLabel: string;
      readonly attached: readonly { readonly uri: string; readonly label: string }[];
      /** Number of the last delta that `session` contains. */
      readonly seq: number;
    }
  /** A new exchange, or one replaced as a whole. */
  | { readonly kind: "exchange"; readonly exchange: Exchange }
  | {
      readonly kind: "delta";
      readonly exchangeId: string;
      readonly seq: number;
      readonly channel: "answer" | "thinking";
      readonly text: string;
    }
  | {
      readonly kind: "status";
      readonly exchangeId: string;
      readonly state: ExchangeState;
      /** Already in the person's language. */
      readonly detail?: string;
      readonly badge?: Badge;
      readonly findings?: readonly Finding[];
      readonly notice?: string;
      readonly better?: Exchange["better"];
      readonly error?: { readonly kind: string; readonly text: string; readonly remedies?: Remedies };
    }
  | { readonly kind: "sessions"; readonly sessions: readonly SessionSummary[] }
  | { readonly kind: "model"; readonly label: string }
  /** Whether there is no model at all: nothing can be answered then. */
  | { readonly kind: "models"; readonly isNone: boolean }
  | { readonly kind: "attached"; readonly attached: readonly { readonly uri: string; readonly label: string }[] }
  | { readonly kind: "focusInput"; readonly text?: string };

/** Messages of the monitor page. */
export interface MonitorPoint {
  readonly atMs: number;
  /** Generated tokens a second over the last second; 0 when idle. */
  readonly tokensPerSecond: number;
  /** Memory of all loaded models, bytes. */
  readonly modelBytes: number;
  /** Share of all processors in use, 0 to 1. */
  readonly cpu: number;
  /** The model that an answer waits for. */
  readonly loading?: Loading;
  /** Time to first token of the last answer, ms. */
  readonly firstTokenMs?: number;
  /** Answers that failed so far. */
  readonly errors: number;
}

export type ToMonitorPage =
  | {
      readonly kind: "init";
      readonly locale: string;
      readonly strings: MessageBundle;
      readonly points: readonly MonitorPoint[];
    }
  | { readonly kind: "points"; readonly points: readonly MonitorPoint[] }
  | {
      readonly kind: "totals";
      readonly answers: number;
      readonly errors: number;
      readonly answerTokens: number;
      /** Spent on Claude today, US dollars. */
      readonly spentUsd: number;
      readonly spentMonthUsd: number;
      readonly dailyBudgetUsd: number;
      readonly monthlyBudgetUsd: number;
      /** What the answers of this window would have cost on `cloudModel`. */
      readonly cloudUsd: number;
      readonly cloudModel: string;
      readonly loaded: readonly {
        readonly name: string;
        readonly backend: string;
        readonly sizeBytes: number;
        readonly vramBytes: number;
      }[];
    };
export type FromMonitorPage = { readonly kind: "ready" };

/** Messages of the page of what left this machine. */
export interface ToLedgerPage {
  readonly kind: "init";
  readonly locale: string;
  readonly strings: MessageBundle;
  readonly entries: readonly LedgerEntry[];
  /** The file as which a broken record of this month was set aside. */
  readonly lostRecord?: string;
  readonly spending: {
    readonly todayUsd: number;
    readonly dailyUsd: number;
    readonly monthUsd: number;
    readonly monthlyUsd: number;
  };
}
export type FromLedgerPage = { readonly kind: "ready" | "export" };
