// How a question becomes an answer: who waits for whom, what may leave, and which server is asked. Part of `app.ts`.
import { hash } from "node:crypto";
import type { AppOptions } from "./core/app.ts";
import { withLatestCorrections } from "./core/classifier/corrections.ts";
import { classify } from "./core/classify.ts";
import { createStickyWindows } from "./core/context.ts";
import { createNodeQueue } from "./core/node-queue.ts";
import { createRanks } from "./core/route.ts";
import type { Settings } from "./core/settings.ts";
import type { Ask } from "./core/task.ts";
import { createTokenCounts } from "./core/token-counts.ts";
import { createTurns, usualLimits } from "./core/turns.ts";
import type { Connected } from "./servers.ts";
import type { Stores } from "./stores.ts";
import { definitions } from "./tasks/definitions.ts";
import { createClaudePass } from "./tasks/pass-claude.ts";
import { createPipeline } from "./tasks/pipeline.ts";
import { createRecordTexts } from "./tasks/record-texts.ts";
import { createRunOnNodes } from "./tasks/run-on-nodes.ts";
import { createTestTools } from "./tasks/test-tools.ts";

export interface AskingParts {
  readonly settings: () => Settings;
  /** The question with the rule of this machine that keeps its text here, where there is one. */
  readonly heldHere: (ask: Ask) => Ask;
  readonly stores: Stores;
  readonly servers: Connected;
}

/** Who waits is told how many are before; many a client takes a refusal for the end. */
const usualMaxWaiting = 128;
const nowMs = () => performance.now();

export function createAsking(options: AppOptions, { settings, heldHere, stores, servers }: AskingParts) {
  const queue = createNodeQueue(nowMs);
  const turns = createTurns(
    { limits: { ...usualLimits, ...options.limits }, maxWaiting: options.maxWaiting ?? usualMaxWaiting },
    nowMs,
  );
  const runOnNodes = createRunOnNodes({ queue, slotsOf: servers.slotsOf });
  const leaving = {
    settings,
    ledger: stores.ledger,
    askedBy: options.askedBy,
    mayLeave: options.mayLeave ?? (async () => ({ kind: "refuse" as const })),
    nowMs: () => Date.now(),
    ownHosts: stores.ownHosts,
  };
  return {
    queue,
    turns,
    leaving,
    pipeline: createPipeline({
      ...leaving,
      heldNow: (ask) => heldHere(ask).localOnly,
      classify: withLatestCorrections(classify, stores.feedback.corrections),
      definitions,
      windows: createStickyWindows(nowMs),
      counts: createTokenCounts(),
      interfaceLanguage: options.interfaceLanguage ?? "en",
      async findWorld(signal) {
        const world = await servers.world(signal);
        await stores.feedback.ready();
        return { ...world, isDisliked: stores.feedback.isDisliked };
      },
      privacyOf: (uri) => stores.paths.ruleFor(uri),
      privacyIn: stores.namedPaths.ruleIn,
      cache: stores.cache,
      hash: (text) => hash("sha256", text),
      turns,
      ranks: createRanks(),
      runOnNodes,
    }),
    recordTexts: createRecordTexts(leaving),
    passClaude: createClaudePass({
      ...leaving,
      rulesFor: stores.namedPaths.rulesFor,
      heldHere: (folders) => heldHere({ text: "", sources: [], history: [], folders }).localOnly,
      ownKey: () => (options.env ?? process.env)["ANTHROPIC_API_KEY"],
      destination: servers.claudeLine.destination,
      send: servers.claudeLine.send,
    }),
    testTools: createTestTools({ ...leaving, findWorld: servers.world, runOnNodes, tests: stores.toolTests }),
  };
}
