// Three model servers, processes like the service itself, of which one is killed, frozen or failing at any time, while half
// as many requests come as all three could answer.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { usualPatience } from "../../../src/tasks/patience.ts";
import { freePort } from "../../free-port.ts";
import { makePackage } from "../../package.ts";
import { root } from "../../run.ts";
import { startProgram } from "../gateway/programs.ts";
import { median, quantile, type Row } from "../measure.ts";
import { ask, type Reply } from "./ask.ts";

const words = 20;
const slots = 4;
/** Slow enough for the machine to have time left for all of them. */
const msPerWord = 25;
const load = 0.5;
const calmMs = 6_000;
/** Few requests meet a fault: what failed is soon asked nothing more. */
const rounds = 2;
/** How long each is ill, and well again before the next one falls, ms. */
const faults = [
  { kind: "kill", illMs: 3_000, wellMs: 1_000 },
  { kind: "fail", illMs: 3_000, wellMs: 1_000 },
  { kind: "freeze", illMs: 12_000, wellMs: 1_000 },
] as const;
/** Until it is found that a server froze. */
const foundMs = usualPatience.lookEveryMs + usualPatience.signMs.usual;

class ModelServer {
  readonly #asked: (question: number) => void;
  #child: ChildProcess | undefined;
  port = 0;

  /** @param asked told the number of each question it gets */
  constructor(asked: (question: number) => void) {
    this.#asked = asked;
    process.once("exit", () => this.#child?.kill("SIGKILL"));
  }

  async start(): Promise<void> {
    const text = Array.from({ length: words }, (_, at) => `word${at} `).join("");
    const script = join(root, "test", "tasks", "chaos-node.ts");
    const child = fork(script, [String(this.port), text, "511", String(msPerWord)], { execArgv: [] });
    this.#child = child;
    const [port] = await once(child, "message");
    this.port = Number(port);
    child.on("message", (told: { readonly asked: string }) => {
      const number = /question number (\d+)/.exec(told.asked)?.[1];
      if (number !== undefined) this.#asked(Number(number));
    });
  }

  async fallIll(kind: (typeof faults)[number]["kind"]): Promise<void> {
    if (kind === "fail") this.#child?.send("fail");
    else if (kind === "freeze") this.#child?.kill("SIGSTOP");
    else await this.stop();
  }

  async recover(kind: (typeof faults)[number]["kind"]): Promise<void> {
    if (kind === "fail") this.#child?.send("fine");
    else if (kind === "freeze") this.#child?.kill("SIGCONT");
    else await this.start();
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

interface Asked {
  /** Of the servers that it was asked of. */
  readonly by: Set<number>;
  reply?: Reply;
}

export async function measureChaos(): Promise<readonly Row[]> {
  const asked: Asked[] = [];
  const servers = [0, 1, 2].map((at) => new ModelServer((question) => asked[question]?.by.add(at)));
  await Promise.all(servers.map((server) => server.start()));
  const service = await startService(servers);
  const over = new AbortController();
  try {
    const url = `http://127.0.0.1:${service.port}`;
    const answerMs = await warmUp(url);
    const asking = keepAsking(url, answerMs / (3 * slots) / load, asked, over.signal);
    await sleep(calmMs);
    const calm = asked.length;
    for (let round = 0; round < rounds; round++) await failInTurn(servers);
    await sleep(1_000);
    over.abort();
    await asking;
    return rowsOf(asked.slice(0, calm), asked.slice(calm));
  } finally {
    over.abort();
    service.child.kill("SIGKILL");
    await Promise.all(servers.map((server) => server.stop()));
    await rm(service.home, { recursive: true, force: true });
  }
}

async function failInTurn(servers: readonly ModelServer[]): Promise<void> {
  for (const { kind, illMs, wellMs } of faults) {
    for (const server of servers) {
      await sleep(wellMs);
      await server.fallIll(kind);
      await sleep(illMs);
      await server.recover(kind);
    }
  }
}

/** As it is shipped, with the settings that a person writes. */
async function startService(servers: readonly ModelServer[]) {
  await makePackage();
  const home = await mkdtemp(join(tmpdir(), "switchyard-chaos-"));
  const nodes = servers.map(({ port }) => ({ url: `http://127.0.0.1:${port}`, slots }));
  await writeFile(join(home, "config.json"), JSON.stringify({ engine: "ollama", ollamaUrl: nodes[0]?.url, nodes }));
  const port = await freePort();
  const cli = join(root, "out", "package", "dist", "cli.js");
  const args = [cli, "serve", "--no-token", "--port", String(port)];
  return { ...(await startProgram(0, args, { SWITCHYARD_HOME: home }, { port })), home };
}

/** @returns how long an answer takes, ms */
async function warmUp(url: string): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < 12; turn++) {
    const content = `What is a closure, for the ${turn}th time?`;
    times.push((await ask(url, { turn, model: "m", content, isStream: true })).ms);
  }
  return median(times);
}

async function keepAsking(url: string, meanGapMs: number, asked: Asked[], until: AbortSignal): Promise<void> {
  const asking: Promise<void>[] = [];
  while (!until.aborted) {
    const turn = asked.length;
    const mine: Asked = { by: new Set() };
    asked.push(mine);
    const content = `This is question number ${turn}: what is a closure?`;
    const reply = ask(url, { turn, model: "m", content, isStream: true });
    asking.push(
      reply.then((told) => {
        mine.reply = told;
      }),
    );
    await sleep(-Math.log(1 - Math.random()) * meanGapMs);
  }
  await Promise.all(asking);
}

const repliesTo = (asked: readonly Asked[]) =>
  asked.flatMap(({ reply, by }) => (reply ? [{ ...reply, servers: by.size }] : []));

function rowsOf(calm: readonly Asked[], asked: readonly Asked[]): readonly Row[] {
  const all = repliesTo(asked);
  const whole = all.filter((each) => each.looksWhole && each.text.includes(`word${words - 1} `));
  const rest = all.filter((each) => !whole.includes(each));
  const unbegun = rest.filter((each) => !each.hasBegun);
  const cut = rest.filter((each) => each.hasBegun);
  const untyped = cut.filter((each) => !each.isTyped || each.looksWhole);
  for (const each of [...unbegun, ...untyped].slice(0, 5))
    console.log(`${Math.round(each.ms)} ms`, each.text.slice(-300));
  const failedOver = whole.filter((each) => each.servers > 1).map(({ ms }) => ms);
  const found = failedOver.map((ms) => (ms > foundMs ? ms - foundMs : ms));
  const usual = quantile(
    repliesTo(calm).map(({ ms }) => ms),
    0.95,
  );
  const value = quantile(found, 0.95);
  const share = (good: number, of: number) => (of === 0 ? 100 : (good / of) * 100);
  return [
    {
      name: "15 requests whose answer had not begun that succeed, one of three servers being killed, frozen or failing",
      value: share(whole.length, whole.length + unbegun.length),
      unit: `% of ${whole.length + unbegun.length}`,
      goal: "100 %",
      isMet: unbegun.length === 0,
    },
    {
      name: "15 answers cut in the middle that end in an error of their dialect",
      value: share(cut.length - untyped.length, cut.length),
      unit: `% of ${cut.length}`,
      goal: "100 %",
      isMet: untyped.length === 0,
    },
    {
      name: `15 failed-over requests (p95), after the ${foundMs / 1000} s in which a frozen server is found`,
      value,
      unit: `ms, of ${failedOver.length}`,
      peer: { name: "requests while all are well", value: usual },
      goal: "≤ 1.2 ×",
      isMet: value <= 1.2 * usual,
    },
  ];
}
