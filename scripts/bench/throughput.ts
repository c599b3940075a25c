// Tokens per second through the whole product, beside the same model in the bare library, in turns.
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, LlamaChatSession } from "node-llama-cpp";
import { createApp } from "../../src/app.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { cachedHome, smallModel } from "../folders.ts";
import { root } from "../run.ts";
import { median, type Row } from "./measure.ts";

const rounds = 5;
const tokens = 160;
/** On a busy machine the bare library stands still for seconds at each token. */
const roundMs = 20_000;
const question = "Write a long story about a lighthouse keeper and the sea.";

export async function measureThroughput(): Promise<readonly Row[]> {
  const home = await mkdtemp(join(tmpdir(), "switchyard-bench-"));
  await symlink(join(cachedHome, "models"), join(home, "models"), "dir");
  const app = createApp({
    settings: { ...defaultSettings, engine: "embedded" },
    folders: { home, engineEntry: join(root, "dist", "engine.js") },
    log: () => {},
    askedBy: "shell",
  });
  const llama = await getLlama({ gpu: false, build: "never" });
  const model = await llama.loadModel({
    modelPath: join(cachedHome, "models", `${smallModel.replace(":", "-")}.gguf`),
  });
  llama.maxThreads = await bestThreads(llama.maxThreads, async (threads) => {
    llama.maxThreads = threads;
    return throughLibrary(model);
  });
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds + 1; round++) {
    const pair = [await throughProduct(app), await throughLibrary(model)] as const;
    // The first round loads the model.
    if (round === 0) continue;
    ours.push(pair[0]);
    bare.push(pair[1]);
  }
  await app.dispose();
  await llama.dispose();
  await rm(home, { recursive: true, force: true });
  const [value, peer] = [median(ours), median(bare)];
  return [
    {
      name: "generating, through the product",
      value,
      unit: "tokens/s",
      peer: { name: "the bare library", value: peer },
      goal: "≥ 0.97 × the peer",
      isMet: value >= 0.97 * peer,
    },
  ];
}

/** On a busy machine fewer are faster; the peer is measured at its best. */
async function bestThreads(most: number, rateWith: (threads: number) => Promise<number>): Promise<number> {
  let best = { threads: most, rate: 0 };
  for (let threads = most; threads >= 1; threads >>= 1) {
    const rate = await rateWith(threads);
    if (rate > best.rate) best = { threads, rate };
  }
  return best.threads;
}

/** From the first piece to the last, as a person sees them come. */
async function throughProduct(app: ReturnType<typeof createApp>): Promise<number> {
  const times: number[] = [];
  const ask = { kind: "chat", text: question, sources: [], history: [], maxTokens: tokens, model: smallModel } as const;
  for await (const event of app.run(ask, new AbortController().signal)) {
    if (event.kind === "text") times.push(performance.now());
  }
  return rate(times);
}

async function throughLibrary(
  model: Awaited<ReturnType<Awaited<ReturnType<typeof getLlama>>["loadModel"]>>,
): Promise<number> {
  const context = await model.createContext({ contextSize: 8192 });
  const session = new LlamaChatSession({ contextSequence: context.getSequence() });
  const times: number[] = [];
  await session.prompt(question, {
    signal: AbortSignal.timeout(roundMs),
    stopOnAbortSignal: true,
    maxTokens: tokens,
    temperature: 0.7,
    topP: 0.9,
    onToken: (pieces) => {
      for (const _piece of pieces) times.push(performance.now());
    },
  });
  await context.dispose();
  return rate(times);
}

function rate(times: readonly number[]): number {
  const [first, last] = [times[0], times.at(-1)];
  return first === undefined || last === undefined ? 0 : ((times.length - 1) / (last - first)) * 1000;
}
