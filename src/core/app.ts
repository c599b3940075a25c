// What the product is to its hosts.

import type { AnswerEvent } from "./answer.ts";
import type { AdviceTools } from "./apply-advice.ts";
import type { InstalledModel, LoadedModel, PullProgress } from "./backend.ts";
import type { ClaudePass } from "./claude-pass.ts";
import type { Downloads } from "./downloads.ts";
import type { EmbedAsk, Embedded } from "./embedding.ts";
import type { Feedback } from "./feedback.ts";
import type { Fit } from "./fit.ts";
import type { TranslationStore } from "./kept-translation.ts";
import type { LeaveAnswer, LeaveQuestion } from "./leave.ts";
import type { Ledger, LedgerEntry } from "./ledger.ts";
import type { Message } from "./message.ts";
import type { Totals } from "./monitor.ts";
import type { NodeCondition } from "./node-condition.ts";
import type { NodeQueue } from "./node-queue.ts";
import type { MonitorPoint } from "./page-protocol.ts";
import type { Route } from "./route.ts";
import type { Services } from "./services.ts";
import type { SessionStore } from "./session.ts";
import type { Settings } from "./settings.ts";
import type { AnswerLanguage, Ask, TaskKind } from "./task.ts";
import type { ToolTest } from "./tool-test.ts";
import type { Turns } from "./turns.ts";
import type { WindowRules } from "./window-rules.ts";

/** Where things are kept on this machine. */
export interface Folders {
  /** Models, engine registration, sessions. */
  readonly home: string;
  /** Compiled entry of the built-in engine (`dist/engine.js`). */
  readonly engineEntry: string;
  /** Folder of the product, with `dist` and `deploy`; absent: that of the engine's entry. */
  readonly packageRoot?: string;
}

export interface AppOptions {
  readonly settings: Settings;
  readonly folders: Folders;
  readonly log: (level: "debug" | "info" | "warn" | "error", text: string) => void;
  readonly fetch?: typeof fetch;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Language of the person's interface: that of answers where nothing was asked in words. */
  readonly interfaceLanguage?: AnswerLanguage;
  /** Which door this is, for the ledger. */
  readonly askedBy: LedgerEntry["askedBy"];
  /** Asks the person whether a prompt may leave this machine; absent: nothing may. */
  readonly mayLeave?: (question: LeaveQuestion, signal: AbortSignal) => Promise<LeaveAnswer>;
  /** Whether everything stays here and on hosts of the person's own: where its texts come from is not known. */
  readonly staysHere?: true;
  /** Folder that an ask is about where it does not tell; absent: that is not known. */
  readonly workingFolder?: string;
  /** What the windows of the editor keep here that are open now, where this serves their agents. */
  readonly windows?: () => readonly WindowRules[];
  /** Key of Claude; absent or undefined: Claude is not connected. */
  readonly claudeKey?: () => Promise<string | undefined>;
  /** Tasks of a kind at the same time, where that differs from what is usual. */
  readonly limits?: Readonly<Partial<Record<TaskKind, number>>>;
  /** Tasks of one kind that may wait; more are refused. */
  readonly maxWaiting?: number;
  /** Something that the person should hear once, such as a store that was set aside. */
  readonly notice?: (text: Message) => void;
}

export interface ServerStatus {
  readonly name: string;
  readonly version?: string;
  /** Every address tried and what came back, in order. */
  readonly tried: readonly { readonly address: string; readonly outcome: string }[];
  readonly models: readonly InstalledModel[];
  readonly loaded: readonly LoadedModel[];
  /** Requests of this program that it works on now; absent: it was not asked yet. */
  readonly inFlight?: number;
  readonly condition?: NodeCondition;
  /** Averaged over its last answers. */
  readonly tokensPerSecond?: number;
}

/** A model the person could get, with whether it would run here. */
export interface OfferedModel {
  readonly name: string;
  readonly backend: string;
  readonly sizeBytes: number;
  readonly fits: boolean;
}

/** The product without a host. Everything that takes a signal throws `TaskError` or an `AbortError` only. */
export interface App {
  settings(): Settings;
  /** Takes effect on the next ask. */
  configure(settings: Settings): void;
  /** Runs one task; leaving the loop stops the model. */
  run(ask: Ask, signal: AbortSignal): AsyncIterable<AnswerEvent>;
  /** A request in Anthropic's own words, to Claude as it is; for the service, where `serviceClaude` opens that way. */
  readonly passClaude: ClaudePass;
  /** Vectors of texts, made on this machine or on the person's own hosts alone. */
  embed(ask: EmbedAsk, signal: AbortSignal): Promise<Embedded>;
  /** What `run` would do, without doing it. */
  preview(ask: Ask, signal: AbortSignal): Promise<Route>;
  /** Who could do better than the one that answered; undefined: nobody who may see the text. */
  better(route: Route, signal: AbortSignal): Promise<InstalledModel | undefined>;
  /** Loads the model that a question in the chat would go to, so that the first answer does not wait for it. */
  warmUp(signal: AbortSignal): Promise<void>;
  /** Installed models of every server that answers; empty when none does. */
  models(signal: AbortSignal): Promise<readonly InstalledModel[]>;
  /** Models that are not installed and could be, the best for this machine first. */
  offers(signal: AbortSignal): Promise<readonly OfferedModel[]>;
  /** Name of the server that gets new models. @throws TaskError where there is none, with why */
  whoGets(signal: AbortSignal): Promise<string>;
  fits(model: Pick<InstalledModel, "name" | "sizeBytes">): boolean;
  /** Whether a model would run where it is or would be, with the arithmetic; undefined where its size is not known. */
  fit(model: string, signal: AbortSignal): Promise<Fit | undefined>;
  loaded(signal: AbortSignal): Promise<readonly LoadedModel[]>;
  status(signal: AbortSignal): Promise<readonly ServerStatus[]>;
  /** What the model servers are doing, and who waits for them. */
  readonly nodes: Pick<NodeQueue, "state" | "waiting" | "drain" | "admit">;
  /** How many tasks of a kind are at work, and how many wait for their turn. */
  readonly turns: Pick<Turns, "state" | "waiting">;
  load(
    wanted: { readonly model: string } & Pick<Ask, "keepAlive" | "contextTokens">,
    signal: AbortSignal,
  ): Promise<void>;
  unload(model: string, signal: AbortSignal): Promise<void>;
  /** Gets a model; what another window or shell is getting already is followed. */
  pull(model: string, signal: AbortSignal): AsyncIterable<PullProgress>;
  readonly downloads: Pick<Downloads, "list" | "pause" | "cancel">;
  /** @param from servers by their names or hosts; absent: the only one that has it, and where several do, `bad-input` */
  delete(what: { readonly model: string; readonly from?: readonly string[] }, signal: AbortSignal): Promise<void>;
  /** Finds out whether a model calls tools, with one short request, and keeps it for routing. Run when a person asks, never by itself. */
  testTools(model: string, signal: AbortSignal): Promise<readonly ToolTest[]>;
  /** What to change so that it goes better, measured before and after. */
  readonly advice: AdviceTools;
  /** What the person says of answers, for the next ones. */
  readonly feedback: Pick<Feedback, "correct" | "rate">;
  /** Asks Claude whether the key is good. */
  checkClaudeKey(signal: AbortSignal): Promise<void>;
  readonly ledger: Pick<Ledger, "list" | "spentUsd" | "lostRecord">;
  /** Deletes conversations, previews of translations, kept answers and the ledger; models and settings stay. */
  forgetEverything(): Promise<void>;
  /** Takes one sample now and returns all kept ones, oldest first (at most 10 minutes). Touches only servers in use. */
  sample(signal: AbortSignal): Promise<readonly MonitorPoint[]>;
  totals(): Totals;
  readonly sessions: SessionStore;
  readonly translations: TranslationStore;
  /** Model servers in containers of this machine. */
  readonly services: Services;
  dispose(): Promise<void>;
}
