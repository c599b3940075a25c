// The rules of advice. Pure: each has its evidence in numbers.
import type { Advice, AdviceFacts } from "./advice.ts";
import {
  byModel,
  byModelAndTask,
  isMeasured,
  largerThan,
  median,
  pin,
  quantised,
  secondsOf,
  smallContextTokens,
  smallerContext,
  smallerThan,
  speedOf,
} from "./advice-changes.ts";
import { formatBytes } from "./format-bytes.ts";
import { formatDate } from "./format-time.ts";
import { msg } from "./message.ts";
import { kindName } from "./names.ts";
import type { RunRecord } from "./run-record.ts";
import type { Sampling } from "./task.ts";

/** Older runs were of another machine state, or other models. */
const recentMs = 7 * 86_400_000;
/** Slower than reading. */
const slowTokensPerSecond = 8;
const enoughRuns = 3;

/** The most urgent first; at most one for a model and kind of task of each sort. */
export function adviseOn(facts: AdviceFacts): readonly Advice[] {
  const recent = facts.runs.filter(({ atMs }) => facts.nowMs - atMs < recentMs);
  const own = { ...facts, runs: recent };
  return [...outOfMemory(own), ...evictions(own), ...slow(own), ...expired(own), ...inaccurate(own)];
}

/** Does not fit into memory: a stronger quantisation of the same model, a smaller context, or a smaller model. */
function outOfMemory(facts: AdviceFacts): readonly Advice[] {
  const failures = facts.runs.filter(({ outcome }) => outcome === "out-of-memory");
  return byModelAndTask(failures).flatMap(({ model, task, runs }): readonly Advice[] => {
    // It has worked since: whatever it was, it is over.
    const last = facts.runs.findLast((run) => run.model === model && run.outcome !== "failed");
    if (last?.outcome !== "out-of-memory") return [];
    const installed = facts.models.find(({ name }) => name === model);
    const common = {
      id: `memory:${task}:${model}`,
      title: msg("{0} runs out of memory.", model),
      probe: [task],
      evidence: [
        msg("{0} answers failed for want of memory since {1}", runs.length, formatDate(runs[0]?.atMs ?? 0)),
        ...(installed
          ? [msg("{0} is {1} on disk, {2}", model, formatBytes(installed.sizeBytes), installed.quantization ?? "?")]
          : []),
      ],
    };
    const smaller = installed ? (quantised(installed, facts) ?? smallerThan(installed, facts)) : undefined;
    if (smaller) return [{ ...common, ...pin(smaller, task, facts) }];
    return facts.settings.maxContextTokens > smallContextTokens ? [{ ...common, ...smallerContext(runs) }] : [];
  });
}

/** Two models that push each other out of memory: both with a smaller context, or one for both. */
function evictions(facts: AdviceFacts): readonly Advice[] {
  const pairs = new Map<string, RunRecord[]>();
  for (const run of facts.runs) {
    for (const other of run.evicted ?? []) {
      const key = [run.model, other].sort((a, b) => a.localeCompare(b)).join(" ");
      pairs.set(key, [...(pairs.get(key) ?? []), run]);
    }
  }
  return [...pairs].flatMap(([key, runs]): readonly Advice[] => {
    const [one = "", other = ""] = key.split(" ");
    const waitedMs = runs.reduce((sum, run) => sum + run.loadMs, 0);
    const isMutual = [one, other].every((model) => runs.some((run) => run.model === model));
    if (runs.length < enoughRuns || !isMutual) return [];
    const counts = [one, other].map((model) => runs.filter((run) => run.model === model).length);
    const common = {
      id: `evictions:${one}:${other}`,
      title: msg("{0} and {1} push each other out of memory.", one, other),
      evidence: [
        msg(
          "{0} pushed {1} out {2} times, and {1} pushed {0} out {3} times",
          one,
          other,
          counts[0] ?? 0,
          counts[1] ?? 0,
        ),
        msg("Loading them again took {0} in all", secondsOf(waitedMs)),
      ],
    };
    const tasks = [one, other].map((model) => runs.find((run) => run.model === model)?.task ?? "chat");
    const [first = "chat", second = "chat"] = tasks;
    const probe = [first, second, first, second];
    const hasLarge = runs.some(({ contextTokens = 0 }) => contextTokens > smallContextTokens);
    if (hasLarge && facts.settings.maxContextTokens > smallContextTokens) {
      return [{ ...common, probe, ...smallerContext(runs) }];
    }
    const used = [one, other].map((model) => facts.runs.filter((run) => run.model === model).length);
    const [keep, leave] = (used[0] ?? 0) >= (used[1] ?? 0) ? [one, second] : [other, first];
    const kept = facts.models.find(({ name }) => name === keep);
    return kept ? [{ ...common, probe, ...pin(kept, leave, facts) }] : [];
  });
}

/** Slow: fewer at once where several shared the machine, else a model that fits the card, else a smaller one. */
function slow(facts: AdviceFacts): readonly Advice[] {
  return byModelAndTask(facts.runs.filter(isMeasured)).flatMap(({ model, task, runs }): readonly Advice[] => {
    const latest = runs.slice(-10);
    const speed = median(latest.map(speedOf));
    if (latest.length < enoughRuns || speed >= slowTokensPerSecond) return [];
    const alone = latest.filter(({ inFlight }) => inFlight < 2);
    const together = latest.filter(({ inFlight }) => inFlight >= 2);
    const share = median(latest.map(({ processorShare }) => processorShare ?? 0));
    const common = {
      id: `slow:${task}:${model}`,
      title: msg("{0} is slow at “{1}”.", model, kindName(task)),
      probe: [task],
      evidence: [
        msg("{0} tokens a second, the middle of the last {1} answers", speed.toFixed(1), latest.length),
        msg(
          "Reading the question took {0}, writing {1}",
          secondsOf(median(latest.map(({ prefillMs }) => prefillMs))),
          secondsOf(median(latest.map(({ decodeMs }) => decodeMs))),
        ),
        ...(share > 0.05 ? [msg("{0} % of it run on the processor", Math.round(share * 100))] : []),
      ],
    };
    const most = Math.max(...latest.map(({ inFlight }) => inFlight));
    if (together.length > latest.length / 2) {
      const value = Math.max(1, Math.floor(most / 2));
      const evidence = [...common.evidence, msg("Up to {0} answers were made at once", most)];
      if (alone.length > 0)
        evidence.push(msg("Alone it makes {0} tokens a second", median(alone.map(speedOf)).toFixed(1)));
      const change = { key: "parallelRequests", value } as const;
      const probeAtOnce = most;
      return [{ ...common, evidence, change, probeAtOnce, changeText: msg("At most {0} answers at once", value) }];
    }
    const installed = facts.models.find(({ name }) => name === model);
    const hasLarge = latest.some(({ contextTokens = 0 }) => contextTokens > smallContextTokens);
    if (share > 0.05 && hasLarge && facts.settings.maxContextTokens > smallContextTokens) {
      return [{ ...common, ...smallerContext(latest) }];
    }
    const smaller = installed ? smallerThan(installed, facts) : undefined;
    return smaller ? [{ ...common, ...pin(smaller, task, facts) }] : [];
  });
}

/** Loaded anew again and again because nobody asked for some minutes: kept longer. */
function expired(facts: AdviceFacts): readonly Advice[] {
  return byModel(facts.runs).flatMap(({ model, runs }): readonly Advice[] => {
    const wasPushed = facts.runs.some(({ evicted }) => evicted?.includes(model));
    const loads = runs.filter((run, index) => {
      const gapMs = run.atMs - (runs[index - 1]?.atMs ?? Number.NEGATIVE_INFINITY);
      return run.loadMs > 0 && gapMs > 60_000 && gapMs < 2 * 3_600_000;
    });
    if (wasPushed || loads.length < enoughRuns || facts.settings.keepAlive !== "") return [];
    const waitedMs = loads.reduce((sum, run) => sum + run.loadMs, 0);
    return [
      {
        id: `expired:${model}`,
        title: msg("{0} is unloaded between your questions.", model),
        evidence: [
          msg("It was loaded anew {0} times within two hours of its last answer", loads.length),
          msg("That took {0} in all", secondsOf(waitedMs)),
        ],
        change: { key: "keepAlive", value: "2h" },
        changeText: msg("Keep models loaded for two hours"),
        probe: [loads[0]?.task ?? "chat"],
      },
    ];
  });
}

/** Found bad by the person: a larger model, and less chance in its words. More of it would make it worse. */
function inaccurate(facts: AdviceFacts): readonly Advice[] {
  return facts.ratings
    .filter(({ good, bad }) => bad - good >= 2)
    .flatMap(({ model, task, good, bad }): readonly Advice[] => {
      const installed = facts.models.find(({ name }) => name === model);
      const larger = installed ? largerThan(installed, facts) : undefined;
      const temperature = facts.temperatureOf(task);
      const common = {
        title: msg("You found {0} wrong at “{1}”.", model, kindName(task)),
        evidence: [msg("{0} answers were bad, {1} good", bad, good), msg("Temperature is {0}", temperature)],
        probe: [task],
      };
      const cooler = Math.max(0.1, Math.round((temperature - 0.3) * 10) / 10);
      const sampling: Partial<Sampling> = { ...facts.settings.sampling[task], temperature: cooler };
      return [
        ...(larger ? [{ ...common, id: `larger:${task}:${model}`, ...pin(larger, task, facts) }] : []),
        ...(cooler < temperature
          ? [
              {
                ...common,
                id: `cooler:${task}:${model}`,
                change: { key: "sampling", value: { ...facts.settings.sampling, [task]: sampling } } as const,
                changeText: msg("Temperature {0} for “{1}”", cooler, kindName(task)),
              },
            ]
          : []),
      ];
    });
}
