// A stop is believed when it is seen: the server went idle. Else the model is unloaded, and it is said.
import { setTimeout as pause } from "node:timers/promises";
import type { ModelRequest } from "../core/backend.ts";
import { lookEveryMs, type Working } from "./ollama-work.ts";

export interface StopWatchParts {
  readonly look: () => Promise<readonly Working[]>;
  readonly unload: (model: string) => Promise<void>;
  /** Told when an answer went on after its stop, and the model was unloaded for it. */
  readonly onUnstopped: (model: string) => void;
  /** How long a server may go on, ms. */
  readonly limitMs?: number;
}

/** Watches the answers of one server. Nobody waits for what is found out after a stop. */
export interface StopWatch {
  began(model: string): void;
  /** @param askedAtMs Unix ms; where it is given, the answer was left before its end, and has to stop */
  ended(request: ModelRequest, askedAtMs?: number): void;
  /** Resolves when every stop so far is known to have worked, or its model was unloaded. */
  settled(): Promise<void>;
}

export function createStopWatch(parts: StopWatchParts): StopWatch {
  const answering = new Map<string, number>();
  const checks = new Set<Promise<void>>();
  const count = (model: string, more: number) => answering.set(model, (answering.get(model) ?? 0) + more);

  async function check({ model, keepAlive }: ModelRequest, askedAtMs: number): Promise<void> {
    const { look, limitMs = 5_000 } = parts;
    const idle = await wentIdle({ model, askedAtMs, stoppedAtMs: Date.now(), keepAlive, look, limitMs });
    // Another answer of ours keeps the server busy as well.
    if (idle !== false || (answering.get(model) ?? 0) > 0) return;
    await parts.unload(model);
    parts.onUnstopped(model);
  }

  return {
    began: (model) => void count(model, 1),
    ended(request, askedAtMs) {
      count(request.model, -1);
      if (askedAtMs === undefined) return;
      const checked = check(request, askedAtMs).catch(() => undefined);
      checks.add(checked);
      void checked.finally(() => checks.delete(checked));
    },
    settled: async () => void (await Promise.all(checks)),
  };
}

interface StopParts {
  readonly model: string;
  /** Unix ms at which the answer was asked for, and at which it was stopped. */
  readonly askedAtMs: number;
  readonly stoppedAtMs: number;
  /** As it was asked for; the server counts it from the end of an answer on. */
  readonly keepAlive: string | number | undefined;
  readonly look: () => Promise<readonly Working[]>;
  readonly limitMs: number;
}

/**
 * Whether a server went idle after a stop; undefined where it cannot be told. Ollama does not say that it is answering,
 * but it counts the time to unloading anew when an answer ends: that shows.
 */
async function wentIdle(parts: StopParts): Promise<boolean | undefined> {
  const { model, look, limitMs } = parts;
  let before: string | undefined;
  const untilMs = performance.now() + limitMs;
  do {
    await pause(lookEveryMs);
    const models = await look().catch(() => undefined);
    if (!models) return undefined;
    const found = models.find((each) => each.name === model);
    if (!found) return true;
    if (found.answering !== undefined) {
      if (!isOurs(found.answering, parts)) return true;
      continue;
    }
    const idle = isIdle(found, before, parts);
    if (idle !== false) return idle;
    before = found.expires_at;
  } while (performance.now() < untilMs);
  return false;
}

/** Answers are given one after the other: another's was asked for before ours, or begun after ours was stopped. */
function isOurs(answering: Working["answering"], { askedAtMs, stoppedAtMs }: StopParts): boolean {
  if (!answering) return false;
  return Date.parse(answering.asked_at) >= askedAtMs && Date.parse(answering.since) <= stoppedAtMs;
}

/** Clocks of two programs on one machine agree to this. */
const clockMs = 1000;

function isIdle({ expires_at }: Working, before: string | undefined, parts: StopParts): boolean | undefined {
  const keptMs = durationMs(parts.keepAlive);
  const expiresAtMs = Date.parse(expires_at ?? "");
  if (keptMs === undefined || Number.isNaN(expiresAtMs)) return undefined;
  // While a model that was just loaded answers, the time is reckoned anew at every look.
  const isFixed = before === expires_at;
  return isFixed && expiresAtMs - keptMs >= parts.askedAtMs - clockMs;
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

function durationMs(value: string | number | undefined): number | undefined {
  if (typeof value === "number") return value > 0 ? value * 1000 : undefined;
  const match = /^(\d+)([smh])$/.exec(value ?? "");
  const unit = unitMs[match?.[2] ?? ""];
  return match && unit ? Number(match[1]) * unit : undefined;
}
