// Many streams side by side, each token in its own time.

import type { Row } from "../measure.ts";
import { compare, isBeside, type Round } from "./compare.ts";
import type { Wish } from "./connection.ts";
import { cpuMicros, runJob } from "./programs.ts";
import type { Name, Rig } from "./rig.ts";

const rounds = Number(process.env["BENCH_STREAM_ROUNDS"] ?? 3);
const tokens = 100;
const wish: Wish = { bytes: 300, isStream: true, tokens, delayMs: 20 };

export async function measureStreams(rig: Rig): Promise<readonly Row[]> {
  const cpu: Round[] = [];
  const gaps: Round[] = [];
  const firsts: Round[] = [];
  let lost = 0;
  // All hot, as for single requests.
  for (const [name, target] of rig.targets) {
    if (!isBeside(name)) await runJob({ kind: "streams", target, wish, streams: 200, spreadMs: 2_000 });
  }
  for (let round = 0; round < rounds; round++) {
    const [costs, gap, first] = [new Map<Name, number>(), new Map<Name, number>(), new Map<Name, number>()];
    for (const [name, target] of rig.targets) {
      if (isBeside(name)) continue;
      const program = rig.programs.get(name);
      const before = program ? cpuMicros(program) : 0;
      const some = await runJob({ kind: "streams", target, wish, streams: 200, spreadMs: 2_000 });
      if (program) costs.set(name, (cpuMicros(program) - before) / some.tokens);
      const many = await runJob({ kind: "streams", target, wish, streams: 500, spreadMs: 2_000 });
      gap.set(name, many.gapP99Ms);
      first.set(name, many.firstP99Ms);
      if (name === "ours") lost += 500 * tokens - many.tokens;
    }
    cpu.push(costs);
    gaps.push(gap);
    firsts.push(first);
  }
  const ms = { unit: "ms", peer: "direct" } as const;
  return [
    ...compare({
      name: "6 processor time of a token, 200 streams",
      unit: "µs",
      peer: "portkey",
      rounds: cpu,
      gate: 0.45,
      ambitious: 0.28,
    }),
    ...compare({ name: "6 the same", unit: "µs", peer: "pipe", rounds: cpu, gate: 1, ambitious: 0.8 }),
    ...compare({ name: "7 gaps of 500 streams (p99)", rounds: gaps, gate: 1.5, ambitious: 1.15, ...ms }),
    ...compare({ name: "7 first tokens of 500 streams (p99)", rounds: firsts, gate: 2, ambitious: 1.5, ...ms }),
    { name: "7 tokens lost of 500 streams", value: lost, unit: "tokens", goal: "0", isMet: lost === 0 },
  ];
}
