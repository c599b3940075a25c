// What one request costs: alone, among others, with a long prompt, as a stream, known already.

import type { Row } from "../measure.ts";
import type { Told } from "./client.ts";
import { added, compare, type Round } from "./compare.ts";
import type { Target, Wish } from "./connection.ts";
import { cpuMicros, runJob } from "./programs.ts";
import type { Name, Rig } from "./rig.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 7);
const warmMs = 5_000;
const small: Wish = { bytes: 300, isStream: false, tokens: 1, delayMs: 0 };
const long: Wish = { ...small, bytes: 100_000 };
const paced: Wish = { ...small, isStream: true, tokens: 8, delayMs: 5 };

export async function measureRounds(rig: Rig): Promise<readonly Row[]> {
  const each = async (measure: (target: Target, name: Name) => Promise<number>): Promise<Round> => {
    const values = new Map<Name, number>();
    for (const [name, target] of rig.targets) values.set(name, await measure(target, name));
    return values;
  };
  // All hot: the larger a program, the longer it takes until its engine has compiled it.
  await each(async (target) => (await load(target, 8, warmMs)).done);
  const seen = { one: [], long: [], first: [], known: [], knownRate: [], cpu: [], rate32: [], rate64: [] } as {
    readonly [Key in "one" | "long" | "first" | "known" | "knownRate" | "cpu" | "rate32" | "rate64"]: Round[];
  };
  for (let round = 0; round < rounds; round++) {
    const latency =
      (wish: Wish, requests: number, isSame = false) =>
      (target: Target) =>
        runJob({ kind: "latency", target, wish, requests, isSame });
    seen.one.push(added(await each(async (target) => (await latency(small, 800)(target)).p50Ms * 1000)));
    seen.long.push(added(await each(async (target) => (await latency(long, 100)(target)).p50Ms * 1000)));
    seen.first.push(added(await each(async (target) => (await latency(paced, 20)(target)).firstP50Ms * 1000)));
    seen.known.push(await each(async (target) => (await latency(small, 800, true)(target)).p50Ms * 1000));
    seen.knownRate.push(await each(async (target) => rate(await load(target, 32, 1_000, true))));
    const costs = new Map<Name, number>();
    const rates = await each(async (target, name) => {
      const program = rig.programs.get(name);
      const before = program ? cpuMicros(program) : 0;
      const told = await load(target, 32, 1_500);
      if (program) costs.set(name, (cpuMicros(program) - before) / told.done);
      return rate(told);
    });
    seen.cpu.push(costs);
    seen.rate32.push(rates);
    seen.rate64.push(await each(async (target) => rate(await load(target, 64, 1_000))));
  }
  return rowsOf(seen);
}

function load(target: Target, connections: number, ms: number, isSame = false): Promise<Told> {
  return runJob({ kind: "load", target, wish: small, connections, ms, isSame });
}

const rate = ({ done, ms }: Told) => (done / ms) * 1000;

type Seen = Readonly<
  Record<"one" | "long" | "first" | "known" | "knownRate" | "cpu" | "rate32" | "rate64", readonly Round[]>
>;

function rowsOf(seen: Seen): readonly Row[] {
  const micros = { unit: "µs", peer: "portkey" } as const;
  const perSecond = { unit: "requests/s", peer: "portkey", isMoreBetter: true } as const;
  return [
    ...compare({ name: "1 added to one request", rounds: seen.one, gate: 0.25, ambitious: 0.12, ...micros }),
    ...compare({ name: "1 the same", rounds: seen.one, gate: 1.3, ambitious: 0.9, unit: "µs", peer: "pipe" }),
    ...besides({ name: "1 the same", rounds: seen.one }),
    ...compare({ name: "2 processor time of a request", rounds: seen.cpu, gate: 0.12, ambitious: 0.065, ...micros }),
    ...compare({ name: "2 the same", rounds: seen.cpu, gate: 1, ambitious: 0.55, unit: "µs", peer: "pipe" }),
    ...besides({ name: "2 the same", rounds: seen.cpu }),
    ...compare({ name: "3 requests of 32 at once", rounds: seen.rate32, gate: 8, ambitious: 15, ...perSecond }),
    ...compare({ name: "3 requests of 64 at once", rounds: seen.rate64, gate: 8, ambitious: 15, ...perSecond }),
    ...compare({ name: "4 added to a prompt of 100 KB", rounds: seen.long, gate: 0.35, ambitious: 0.18, ...micros }),
    ...compare({ name: "5 added to the first token", rounds: seen.first, gate: 0.05, ambitious: 0.016, ...micros }),
    ...besides({ name: "5 the same", rounds: seen.first }),
    ...compare({ name: "8 a known answer", rounds: seen.known, gate: 1.5, ambitious: 1.1, unit: "µs", peer: "direct" }),
    ...compare({
      name: "8 known answers, 32 at once",
      rounds: seen.knownRate,
      gate: 1,
      ambitious: 1.1,
      ...perSecond,
      peer: "direct",
    }),
  ];
}

/** Beside those that the goals are not measured by. */
function besides(row: { readonly name: string; readonly rounds: readonly Round[] }): readonly Row[] {
  const peers: readonly Name[] = ["router", "litellm"];
  return peers.flatMap((peer) => compare({ ...row, unit: "µs", peer, gate: 1, ambitious: 0.25 }));
}
