// A model server that lost its graphics card is started again, and its speed is measured again.
import * as z from "zod/mini";
import { slowedModels } from "../core/lost-gpu.ts";
import type { RunRecord } from "../core/run-record.ts";
import type { Incident } from "../core/services.ts";
import { statusOfContainer } from "./container.ts";
import type { Engine } from "./engine.ts";
import { findOurs } from "./find-ours.ts";
import type { Farewell } from "./let-finish.ts";
import { restartService } from "./restart-service.ts";

export interface GpuHealerParts {
  readonly engine: Engine;
  readonly stackName: string;
  readonly home: string;
  /** What it is answering is waited for before it is restarted. */
  readonly farewellTo: (engine: Engine) => Farewell;
  readonly runs: () => Promise<readonly RunRecord[]>;
  readonly nowMs: () => number;
}

const loadedSchema = z.object({
  models: z.array(z.object({ name: z.string(), size: z.number(), size_vram: z.number() })),
});
const answerSchema = z.object({ eval_count: z.number(), eval_duration: z.number() });
/** Of its baseline: the card is in use again. */
const healedShare = 0.5;

/** @param sinceMs what was slow before then was seen to */
export async function healLostGpu(
  { engine, stackName, home, farewellTo, runs, nowMs }: GpuHealerParts,
  sinceMs: number,
  signal: AbortSignal,
): Promise<Incident | undefined> {
  const slowed = slowedModels(await runs(), nowMs(), sinceMs);
  if (slowed.length === 0) return undefined;
  for (const container of await findOurs(engine, stackName, signal)) {
    const { name, address } = statusOfContainer(container);
    const host = address?.startsWith("http") ? new URL(address).host : undefined;
    const slow = slowed.find(({ backend }) => host !== undefined && backend.endsWith(` ${host}`));
    if (!slow || !address || !container.State.Running) continue;
    const loaded = loadedSchema.safeParse(await askJson(`${address}/api/ps`, undefined, signal)).data?.models ?? [];
    // All of it on the card, and slow nevertheless: that is something else.
    if (!loaded.some((each) => each.name === slow.model && each.size_vram < each.size)) continue;
    const atMs = nowMs();
    const restarted = restartService({ engine, stackName, home, farewell: farewellTo(engine) }, container, {}, signal);
    const speed = await restarted.then(() => speedOf(address, slow.model, signal)).catch(noSpeed(signal));
    const helped = speed >= slow.baseline * healedShare;
    return { service: name, atMs, what: "lost-gpu", done: "restarted", attempt: 1, helped, tookMs: nowMs() - atMs };
  }
  return undefined;
}

/** Tokens a second of a short answer; 0 where there is none. */
async function speedOf(address: string, model: string, signal: AbortSignal): Promise<number> {
  const body = { model, prompt: "Count from one to twenty.", stream: false, options: { num_predict: 32 } };
  const answer = answerSchema.safeParse(await askJson(`${address}/api/generate`, body, signal)).data;
  return answer ? (answer.eval_count / answer.eval_duration) * 1e9 : 0;
}

/** Of a server that does not come up. */
const noSpeed = (signal: AbortSignal) => () => {
  signal.throwIfAborted();
  return 0;
};

async function askJson(address: string, body: object | undefined, signal: AbortSignal): Promise<unknown> {
  const init = body ? { method: "POST", body: JSON.stringify(body) } : {};
  const answer = await fetch(address, { ...init, signal, redirect: "error" }).catch(() => undefined);
  signal.throwIfAborted();
  return answer?.json().catch(() => undefined);
}
