// Advice is applied and measured again: the same questions before and after one changed setting, and a way back.
import type { Advice, SettingChange } from "./advice.ts";
import { type Message, msg } from "./message.ts";
import { kindName } from "./names.ts";
import type { TaskKind } from "./task.ts";
import { TaskError } from "./task-error.ts";

/** One answer of a probe. */
export interface Probed {
  readonly task: TaskKind;
  readonly model: string;
  readonly loadMs: number;
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
}

export interface ProbeResult {
  readonly answers: readonly Probed[];
  readonly totalMs: number;
}

/** Where a host keeps its settings. */
export interface SettingsKeeper {
  /** @returns what takes it back exactly, as JSON can hold it */
  change(change: SettingChange): Promise<unknown>;
  /** @throws TaskError `bad-input` where the setting was changed by hand since */
  undo(before: unknown): Promise<void>;
}

export interface AppliedAdvice {
  readonly id: string;
  readonly changeText: Message;
  readonly atMs: number;
  /** What the keeper wants to take it back. */
  readonly undo: unknown;
  readonly before: ProbeResult;
  readonly after: ProbeResult;
}

export interface AdviceTools {
  list(signal: AbortSignal): Promise<readonly Advice[]>;
  /** Asks short questions of ours; nothing of the person's, and nothing leaves their machines. */
  probe(
    advice: Pick<Advice, "probe" | "probeContextTokens" | "probeAtOnce">,
    signal: AbortSignal,
  ): Promise<ProbeResult>;
  /** The last one that was applied and not taken back. */
  applied(): Promise<AppliedAdvice | undefined>;
  keepApplied(applied: AppliedAdvice | undefined): Promise<void>;
}

/** What fails or is cancelled after the change takes the change back. */
export async function applyAdvice(
  advice: Advice,
  tools: AdviceTools,
  keeper: SettingsKeeper,
  tell: (step: "before" | "after") => void,
  signal: AbortSignal,
): Promise<AppliedAdvice> {
  tell("before");
  const before = await tools.probe(advice, signal);
  const undo = await keeper.change(advice.change);
  try {
    tell("after");
    const after = await tools.probe(advice, signal);
    const applied = { id: advice.id, changeText: advice.changeText, atMs: Date.now(), undo, before, after };
    await tools.keepApplied(applied);
    return applied;
  } catch (error) {
    await keeper.undo(undo);
    throw error;
  }
}

export async function undoAdvice(tools: AdviceTools, keeper: SettingsKeeper): Promise<AppliedAdvice> {
  const applied = await tools.applied();
  if (!applied) throw new TaskError("bad-input", msg("No advice was applied that could be undone."));
  await keeper.undo(applied.undo);
  await tools.keepApplied(undefined);
  return applied;
}

export function changedSince(key: string): TaskError {
  return new TaskError("bad-input", msg("The setting “{0}” was changed by hand since; it is left as it is.", key));
}

/** Before and after, a line each. */
export function comparison({ before, after }: Pick<AppliedAdvice, "before" | "after">): readonly Message[] {
  return [
    ...before.answers.map((each) => msg("Before: {0}", answerText(each))),
    ...after.answers.map((each) => msg("After: {0}", answerText(each))),
    msg("All questions together: {0} before, {1} after", seconds(before.totalMs), seconds(after.totalMs)),
  ];
}

function answerText({ task, model, loadMs, firstTokenMs, tokensPerSecond }: Probed): Message {
  const speed = tokensPerSecond.toFixed(1);
  return loadMs > 0
    ? msg(
        "{0}, {1}: loaded in {2}, first word after {3}, {4} tokens/s",
        kindName(task),
        model,
        seconds(loadMs),
        seconds(firstTokenMs),
        speed,
      )
    : msg("{0}, {1}: first word after {2}, {3} tokens/s", kindName(task), model, seconds(firstTokenMs), speed);
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
