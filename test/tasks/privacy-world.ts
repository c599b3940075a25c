// Servers here, nearby and in clouds that record what reaches them, behind the real pipeline.
import { hash } from "node:crypto";
import type { CachedAnswer } from "../../src/core/answer-cache.ts";
import type { Backend, InstalledModel, ModelRequest, Place } from "../../src/core/backend.ts";
import type { ChatMessage } from "../../src/core/chat-message.ts";
import { classify } from "../../src/core/classify.ts";
import { createStickyWindows } from "../../src/core/context.ts";
import { refuseOverBudget } from "../../src/core/cost.ts";
import type { LeaveAnswer, LeaveQuestion } from "../../src/core/leave.ts";
import type { Ledger, LedgerEntry } from "../../src/core/ledger.ts";
import type { PrivacyRule } from "../../src/core/local-only.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { createNodeQueue } from "../../src/core/node-queue.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import type { Ask } from "../../src/core/task.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { createTokenCounts } from "../../src/core/token-counts.ts";
import { createTurns, usualLimits } from "../../src/core/turns.ts";
import { definitions } from "../../src/tasks/definitions.ts";
import { createPipeline } from "../../src/tasks/pipeline.ts";
import { createRunOnNodes } from "../../src/tasks/run-on-nodes.ts";

export const never = new AbortController().signal;
export const usage = { inputTokens: 100, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 50 };
export const stats = { promptTokens: 100, answerTokens: 50, loadMs: 0, prefillMs: 1, decodeMs: 1, usage };
export const rule: PrivacyRule = { kind: "glob", glob: "**/private/**" };

export interface Sent {
  readonly place: Place;
  readonly host: string | undefined;
  readonly messages: readonly ChatMessage[];
}

export interface WorldOptions {
  readonly models: readonly InstalledModel[];
  readonly settings?: Partial<Settings>;
  readonly mayLeave?: (question: LeaveQuestion) => LeaveAnswer;
  readonly answer?: (request: ModelRequest) => readonly ModelEvent[];
  readonly append?: (entry: LedgerEntry) => void;
  /** What was spent before, or what is by the time of each question about it. */
  readonly spentUsd?: number | (() => number);
  /** Instead of one in memory. */
  readonly ledger?: Ledger;
  /** Names of servers that are asked, and do not answer. */
  readonly dead?: readonly string[];
  /** Names of servers that take no questions now. */
  readonly busy?: readonly string[];
  /** Hosts of the installation itself. */
  readonly ownHosts?: ReadonlySet<string>;
}

export function createWorld({
  models,
  settings,
  mayLeave,
  answer,
  append,
  spentUsd = 0,
  ledger: realLedger,
  dead = [],
  busy = [],
  ownHosts = new Set(),
}: WorldOptions) {
  const sent: Sent[] = [];
  const questions: LeaveQuestion[] = [];
  const entries: LedgerEntry[] = [];
  const kept = new Map<string, CachedAnswer>();
  const unused = () => {
    throw new Error("not part of this test");
  };
  const backendOf = (model: InstalledModel): Backend => ({
    name: model.backend,
    place: model.place,
    ...{ models: unused, loaded: unused, load: unused, unload: unused, pull: unused, delete: unused },
    async *run(request) {
      sent.push({ place: model.place, host: model.host, messages: request.messages });
      if (dead.includes(model.backend)) throw new TaskError("server-unreachable", { template: "dead", args: [] });
      if (busy.includes(model.backend))
        throw new TaskError("server-error", { template: "busy", args: [] }, { details: { isBusy: true } });
      yield* answer?.(request) ?? [
        { kind: "text", text: "an answer" },
        { kind: "done", stats, finish: "stop" },
      ];
    },
  });
  const spentNow = () => (typeof spentUsd === "function" ? spentUsd() : spentUsd);
  const record = async (entry: LedgerEntry) => {
    append?.(entry);
    entries.push(entry);
  };
  const ledger: Ledger = realLedger ?? {
    append: record,
    note: (entry) => void record(entry),
    async reserve(entry, budgets) {
      refuseOverBudget(entry.costUsd, { ...budgets, spentTodayUsd: spentNow(), spentMonthUsd: spentNow() });
      await record(entry);
    },
    list: async () => entries,
    spentUsd: async () => spentNow(),
    lostRecord: async () => undefined,
    clear: unused,
  };
  const pipeline = createPipeline({
    classify,
    windows: createStickyWindows(() => 0),
    counts: createTokenCounts(),
    definitions,
    settings: () => ({ ...defaultSettings, cache: false, ...settings }),
    findWorld: async () => {
      if (models.length === 0) throw new TaskError("server-unreachable", { template: "nothing answers", args: [] });
      return {
        models,
        backends: new Map(models.map((model) => [model.backend, backendOf(model)])),
        memoryBytes: 64 * 2 ** 30,
      };
    },
    privacyOf: async (uri) => (uri.includes("/private/") ? rule : undefined),
    privacyIn: async () => undefined,
    cache: {
      get: async (key) => kept.get(key),
      put: async (key, answer) => void kept.set(key, answer),
      clear: async () => kept.clear(),
    },
    ledger,
    async mayLeave(question) {
      questions.push(question);
      return mayLeave?.(question) ?? { kind: "refuse" };
    },
    ownHosts,
    askedBy: "editor",
    nowMs: () => Date.UTC(2026, 10, 23, 12),
    hash: (text) => hash("sha256", text),
    turns: createTurns({ limits: usualLimits, maxWaiting: 100 }, () => 0),
    runOnNodes: createRunOnNodes({ queue: createNodeQueue(() => 0), slotsOf: () => 4 }),
  });
  const run = async (ask: Ask, signal = never) => {
    const events = [];
    for await (const event of pipeline.run(ask, signal)) events.push(event);
    return events;
  };
  return { run, sent, questions, entries };
}

export const local: InstalledModel = {
  name: "qwen3.5:9b",
  backend: "here",
  place: "this-machine",
  sizeBytes: 1e9,
  contextTokens: 32768,
  capabilities: ["completion"],
};
export const box: InstalledModel = {
  ...local,
  name: "box:9b",
  backend: "box",
  place: "network",
  host: "gpu-box:11434",
};
/** The same model as here, on other servers. */
export const lent: InstalledModel = { ...local, backend: "lent", place: "network", host: "lent-box:11434" };
export const second: InstalledModel = { ...local, backend: "gpu-box, second", place: "network", host: "gpu-box:11435" };
export const twin: InstalledModel = { ...local, backend: "cloud twin", place: "cloud", host: "ollama.com" };
export const remote: InstalledModel = {
  ...local,
  name: "big:cloud",
  backend: "ollama cloud",
  place: "cloud",
  host: "ollama.com",
};
export const claude: InstalledModel = {
  ...local,
  name: "claude-sonnet-5-5",
  backend: "Claude",
  place: "cloud",
  host: "api.anthropic.com",
  contextTokens: 1_000_000,
};
export const allow: LeaveAnswer = { kind: "allow", by: "once", secrets: "mask" };
export const question: Ask = { kind: "analyze", text: "Which design is better, and why?", sources: [], history: [] };
export const file = (uri: string, text = "const a = 1;") => ({ uri, label: uri, text, origin: "file" as const });
export const secret = "LOCALONLYCANARY";
