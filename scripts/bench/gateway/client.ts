// Asks as it is told by one line of JSON and tells one line of JSON. A program of its own, so that it has a core.
import { createHash } from "node:crypto";
import { quantile } from "../measure.ts";
import { Connection, requestsTo, type Target, type Timed, type Wish } from "./connection.ts";

export type Job =
  /** One request after the other; the median of each round. */
  | {
      readonly kind: "latency";
      readonly target: Target;
      readonly wish: Wish;
      readonly requests: number;
      readonly isSame?: boolean;
    }
  /** As many at once as there are connections, for a time. */
  | {
      readonly kind: "load";
      readonly target: Target;
      readonly wish: Wish;
      readonly connections: number;
      readonly ms: number;
      readonly isSame?: boolean;
    }
  /** Streams that begin one after the other and go on side by side. */
  | {
      readonly kind: "streams";
      readonly target: Target;
      readonly wish: Wish;
      readonly streams: number;
      readonly spreadMs: number;
    }
  /** Always the same work, to see whether the machine itself changes. */
  | { readonly kind: "calibrate" };

export interface Told {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly firstP50Ms: number;
  readonly firstP99Ms: number;
  readonly gapP99Ms: number;
  readonly done: number;
  readonly failed: number;
  /** Of these, those that were answered with an error before they began. */
  readonly refused: number;
  readonly tokens: number;
  readonly ms: number;
}

function told(timed: readonly Timed[], refused: number, broken: number, ms: number): Told {
  const gaps = timed.flatMap(({ atMs }) => atMs.slice(1).map((at, index) => at - (atMs[index] ?? at)));
  const totals = timed.map((each) => each.totalMs);
  const firsts = timed.map((each) => each.firstMs);
  return {
    p50Ms: quantile(totals, 0.5),
    p99Ms: quantile(totals, 0.99),
    firstP50Ms: quantile(firsts, 0.5),
    firstP99Ms: quantile(firsts, 0.99),
    gapP99Ms: quantile(gaps, 0.99),
    done: timed.length,
    failed: refused + broken,
    refused,
    tokens: timed.reduce((sum, each) => sum + each.tokens, 0),
    ms,
  };
}

const good = (timed: readonly Timed[]) => timed.filter((each) => each.status === 200);

async function run(job: Job): Promise<Told> {
  const startMs = performance.now();
  if (job.kind === "calibrate") {
    let text = "";
    for (let round = 0; round < 20_000; round++) text = createHash("sha256").update(`${text}${round}`).digest("hex");
    return told([], 0, 0, performance.now() - startMs);
  }
  const make = requestsTo(job.target, job.wish);
  const same = make();
  const next = () => ("isSame" in job && job.isSame ? same : make());
  const all: Timed[] = [];
  let broken = 0;
  if (job.kind === "latency") {
    const connection = await Connection.open(job.target.port);
    for (let at = 0; at < job.requests; at++) all.push(await connection.ask(next()));
    connection.close();
  } else if (job.kind === "load") {
    const endMs = startMs + job.ms;
    const worker = async () => {
      const connection = await Connection.open(job.target.port);
      while (performance.now() < endMs) all.push(await connection.ask(next()));
      connection.close();
    };
    await Promise.all(Array.from({ length: job.connections }, () => worker().catch(() => broken++)));
  } else {
    const one = async (at: number) => {
      await new Promise((resolve) => setTimeout(resolve, (at * job.spreadMs) / job.streams));
      const connection = await Connection.open(job.target.port);
      const limit = setTimeout(() => connection.close(), 60_000);
      all.push(await connection.ask(next(), true));
      clearTimeout(limit);
      connection.close();
    };
    await Promise.all(Array.from({ length: job.streams }, (_, at) => one(at).catch(() => broken++)));
  }
  return told(good(all), all.length - good(all).length, broken, performance.now() - startMs);
}

process.stdin.setEncoding("utf8");
let text = "";
for await (const piece of process.stdin) text += piece;
console.log(JSON.stringify(await run(JSON.parse(text))));
process.exit(0);
