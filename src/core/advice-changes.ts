// The pieces that rules of advice are made of: which runs belong together, and what could be changed.
import type { AdviceFacts } from "./advice.ts";
import type { InstalledModel } from "./backend.ts";
import { canChat } from "./can-chat.ts";
import { formatBytes } from "./format-bytes.ts";
import { msg } from "./message.ts";
import { kindName } from "./names.ts";
import type { RunRecord } from "./run-record.ts";
import type { TaskKind } from "./task.ts";

export const smallContextTokens = 8192;

type Found = InstalledModel | AdviceFacts["offers"][number];

export function pin(model: Found, task: TaskKind, { settings, models }: AdviceFacts) {
  const isThere = models.some(({ name }) => name === model.name);
  return {
    change: { key: "pinnedModels", value: { ...settings.pinnedModels, [task]: model.name } } as const,
    changeText: msg("{0} ({1}) for “{2}”", model.name, formatBytes(model.sizeBytes), kindName(task)),
    ...(isThere ? {} : { needs: model.name }),
  };
}

export function smallerContext(runs: readonly RunRecord[]) {
  return {
    probeContextTokens: Math.max(smallContextTokens, ...runs.map(({ contextTokens = 0 }) => contextTokens)),
    change: { key: "maxContextTokens", value: smallContextTokens } as const,
    changeText: msg("Contexts of {0} tokens at most; longer texts are split or refused", smallContextTokens),
  };
}

/** The same model in four bits, where it is in eight or sixteen: the library's plain tag is that. */
export function quantised({ name, quantization = "" }: InstalledModel, facts: AdviceFacts): Found | undefined {
  if (!/^(?:BF16|F16|F32|Q8|Q6)/i.test(quantization)) return undefined;
  const plain = /^([^:]+:\d+(?:\.\d+)?[bm])/i.exec(name)?.[1];
  return [...facts.models, ...facts.offers].find((each) => each.name === plain && each.name !== name);
}

/** Installed ones first: nothing has to be fetched. A little smaller helps little. */
export function smallerThan(model: InstalledModel, { models, offers }: AdviceFacts): Found | undefined {
  const isSmaller = ({ sizeBytes }: Found) => sizeBytes > 0 && sizeBytes <= model.sizeBytes * 0.7;
  const bySize = (a: Found, b: Found) => b.sizeBytes - a.sizeBytes;
  const here = models.filter((each) => each.place !== "cloud" && canChat(each) && isSmaller(each)).sort(bySize);
  return here[0] ?? offers.filter(isSmaller).sort(bySize)[0];
}

export function largerThan(model: InstalledModel, { models, offers }: AdviceFacts): Found | undefined {
  const isLarger = ({ sizeBytes }: Found) => sizeBytes >= model.sizeBytes * 1.3;
  const bySize = (a: Found, b: Found) => a.sizeBytes - b.sizeBytes;
  const here = models.filter((each) => each.place !== "cloud" && canChat(each) && isLarger(each)).sort(bySize);
  return here[0] ?? offers.filter(isLarger).sort(bySize)[0];
}

export const isMeasured = (run: RunRecord) => run.outcome === "done" && run.answerTokens >= 8 && run.decodeMs > 0;
export const speedOf = ({ answerTokens, decodeMs }: RunRecord) => (answerTokens / decodeMs) * 1000;

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

interface Group {
  readonly model: string;
  readonly task: TaskKind;
  readonly runs: readonly RunRecord[];
}

export function byModelAndTask(runs: readonly RunRecord[]): readonly Group[] {
  return grouped(runs, ({ model, task }) => `${task} ${model}`);
}

export function byModel(runs: readonly RunRecord[]): readonly Group[] {
  return grouped(runs, ({ model }) => model);
}

function grouped(runs: readonly RunRecord[], keyOf: (run: RunRecord) => string): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const run of runs) {
    const key = keyOf(run);
    groups.set(key, { model: run.model, task: run.task, runs: [...(groups.get(key)?.runs ?? []), run] });
  }
  return [...groups.values()];
}

export const secondsOf = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
