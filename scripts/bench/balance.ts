// How long requests wait with the product's own queue, beside round robin and beside a queue that knows all speeds. The
// clock is simulated: arrivals at random, answers of random length, a node works on one at a time.
import { createNodeQueue, type Seat } from "../../src/core/node-queue.ts";
import { median, quantile, type Row } from "./measure.ts";

export interface Farm {
  readonly name: string;
  /** Tokens a second of each node. */
  readonly rates: readonly number[];
  /** Share of what the nodes can do altogether, 0 to 1. */
  readonly load: number;
}

export const farms: readonly Farm[] = [
  { name: "4 equal nodes, load 0.8", rates: [30, 30, 30, 30], load: 0.8 },
  { name: "60/30/10 tokens/s, load 0.5", rates: [60, 30, 10], load: 0.5 },
  { name: "60/30/10 tokens/s, load 0.8", rates: [60, 30, 10], load: 0.8 },
];

interface Job {
  readonly arrivedMs: number;
  readonly tokens: number;
}

/** What a way of balancing can see and do. */
interface Floor {
  nowMs(): number;
  readonly rates: readonly number[];
  /** Begins to answer; calls back when the answer is whole. */
  begin(job: Job, node: number, onEnd: () => void): void;
}

type Balancer = (floor: Floor) => (job: Job) => void;

const meanTokens = 200;
const fewestTokens = 10;

const roundRobin: Balancer = ({ rates, begin }) => {
  const lines = rates.map((): Job[] => []);
  const isBusy = rates.map(() => false);
  let turn = 0;
  const next = (node: number) => {
    const job = lines[node]?.shift();
    isBusy[node] = job !== undefined;
    if (job) begin(job, node, () => next(node));
  };
  return (job) => {
    const node = turn++ % rates.length;
    lines[node]?.push(job);
    if (!isBusy[node]) next(node);
  };
};

/** One line for all, and the fastest free node takes the next: nothing that does not know the lengths does better. */
const ideal: Balancer = ({ rates, begin }) => {
  const line: Job[] = [];
  const free = new Set(rates.keys());
  const handOut = () => {
    const [node] = [...free].sort((a, b) => (rates[b] ?? 0) - (rates[a] ?? 0));
    const job = node === undefined ? undefined : line.shift();
    if (node === undefined || !job) return;
    free.delete(node);
    begin(job, node, () => {
      free.add(node);
      handOut();
    });
  };
  return (job) => {
    line.push(job);
    handOut();
  };
};

/** The product's; it learns the speeds from the answers. */
const ours: Balancer = ({ rates, begin, nowMs }) => {
  const queue = createNodeQueue(nowMs);
  const candidates = rates.map((_, index) => ({ node: String(index), slots: 1 }));
  const never = new AbortController().signal;
  const seatFor = async (): Promise<Seat> => {
    for await (const standing of queue.enter({ model: "m", candidates }, never)) {
      if (standing.kind === "seated") return standing.seat;
    }
    throw new Error("no seat");
  };
  return async (job) => {
    const seat = await seatFor();
    const node = Number(seat.node);
    begin(job, node, () => seat.end({ kind: "answered", tokensPerSecond: rates[node] ?? 0 }));
  };
};

const balancers = { ours, roundRobin, ideal };

/** @returns how long each request waited before a node began with it, s */
export async function simulate(
  way: keyof typeof balancers,
  { rates, load }: Farm,
  { requests, seed }: { readonly requests: number; readonly seed: number },
): Promise<readonly number[]> {
  const random = randomFrom(seed);
  const spread = (mean: number) => -Math.log(1 - random()) * mean;
  const gapMs = (meanTokens * 1000) / (rates.reduce((sum, rate) => sum + rate, 0) * load);
  const waits: number[] = [];
  const ends: { readonly atMs: number; readonly run: () => void }[] = [];
  let nowMs = 0;
  const arrive = balancers[way]({
    nowMs: () => nowMs,
    rates,
    begin(job, node, onEnd) {
      waits.push((nowMs - job.arrivedMs) / 1000);
      ends.push({ atMs: nowMs + (job.tokens * 1000) / (rates[node] ?? 1), run: onEnd });
    },
  });
  let arrivalMs = 0;
  for (let arrived = 0; arrived < requests || ends.length > 0; ) {
    const first = ends.reduce<(typeof ends)[number] | undefined>((a, b) => (a && a.atMs <= b.atMs ? a : b), undefined);
    if (arrived < requests && (!first || arrivalMs <= first.atMs)) {
      nowMs = arrivalMs;
      arrive({ arrivedMs: nowMs, tokens: Math.max(fewestTokens, spread(meanTokens)) });
      arrived++;
      arrivalMs += spread(gapMs);
    } else if (first) {
      nowMs = first.atMs;
      ends.splice(ends.indexOf(first), 1);
      first.run();
    }
    // The product's queue goes on in microtasks; the clock stands until they are done.
    if (way === "ours") await new Promise(setImmediate);
  }
  return waits;
}

/** Numbers from 0 to 1, the same ones for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** 95 % wait no longer, s; median over the seeds. */
export async function waitP95(
  way: keyof typeof balancers,
  farm: Farm,
  { requests, seeds }: { readonly requests: number; readonly seeds: number },
): Promise<number> {
  const values: number[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    values.push(quantile(await simulate(way, farm, { requests, seed: seed * 7919 }), 0.95));
  }
  return median(values);
}

export async function measureBalance(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const farm of farms) {
    const extent = { requests: 20_000, seeds: 5 };
    const value = await waitP95("ours", farm, extent);
    const best = await waitP95("ideal", farm, extent);
    const usual = await waitP95("roundRobin", farm, extent);
    const name = `wait in the queue, simulated, p95 (${farm.name})`;
    rows.push(
      {
        name,
        value,
        unit: "s",
        peer: { name: "ideal central queue", value: best },
        goal: "≤ 1.10 ×",
        isMet: value <= 1.1 * best,
      },
      {
        name,
        value,
        unit: "s",
        peer: { name: "round robin", value: usual },
        goal: "≤ 0.55 ×",
        isMet: value <= 0.55 * usual,
      },
    );
  }
  return rows;
}
