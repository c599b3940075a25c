// Advice: what is recorded of answers, what follows from it, and how a change is measured. Part of `app.ts`.
import { join } from "node:path";
import { adviseOn } from "./core/advice-rules.ts";
import type { App } from "./core/app.ts";
import type { AdviceTools } from "./core/apply-advice.ts";
import type { Feedback } from "./core/feedback.ts";
import { createRecorder, type Recorder } from "./core/record-runs.ts";
import type { RunRecord } from "./core/run-record.ts";
import type { Settings } from "./core/settings.ts";
import { createTurnstile, type Turnstile } from "./core/turnstile.ts";
import { createAppliedAdvice } from "./store/applied-advice.ts";
import { createRuns } from "./store/runs.ts";
import { definitions } from "./tasks/definitions.ts";
import { createProbe, type ProbeParts } from "./tasks/probe.ts";

export interface GuidanceParts extends Pick<ProbeParts, "preview" | "findWorld" | "leaving"> {
  readonly home: string;
  readonly settings: () => Settings;
  readonly feedback: Pick<Feedback, "ready" | "ratings">;
  readonly models: Pick<App, "models" | "offers" | "loaded">;
}

export interface Guidance {
  readonly recorder: Recorder;
  readonly turnstile: Turnstile;
  readonly advice: AdviceTools;
  /** What answers took, oldest first. */
  readonly runs: () => Promise<readonly RunRecord[]>;
  clear(): Promise<void>;
}

/** A server that hangs must not keep the program from ending. */
const lookMs = 2_000;

export function createGuidance(parts: GuidanceParts): Guidance {
  const { home, settings, feedback, models, preview, findWorld, leaving } = parts;
  const runs = createRuns(join(home, "runs.ndjson"));
  const kept = createAppliedAdvice(join(home, "advice.json"));
  const turnstile = createTurnstile(() => settings().parallelRequests);
  const recorder = createRecorder({
    runs,
    loaded: () => models.loaded(AbortSignal.timeout(lookMs)),
    nowMs: () => Date.now(),
  });
  return {
    recorder,
    turnstile,
    runs: () => runs.list(),
    advice: {
      ...kept,
      probe: createProbe({ settings, preview, findWorld, turnstile, leaving, nowMs: () => performance.now() }),
      async list(signal) {
        await Promise.all([feedback.ready(), recorder.settled()]);
        const [recorded, installed, offers] = await Promise.all([
          runs.list(),
          models.models(signal),
          models.offers(signal).catch(() => []),
        ]);
        return adviseOn({
          runs: recorded,
          models: installed,
          offers: offers.filter(({ fits }) => fits),
          ratings: feedback.ratings(),
          settings: settings(),
          temperatureOf: (kind) => settings().sampling[kind]?.temperature ?? definitions[kind].sampling.temperature,
          nowMs: Date.now(),
        });
      },
    },
    async clear() {
      await recorder.settled();
      await Promise.all([runs.clear(), kept.keepApplied(undefined)]);
    },
  };
}
