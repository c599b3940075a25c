// Which models are loaded, for how long, and whose turn it is.
import { availableParallelism, freemem } from "node:os";
import type { Llama } from "node-llama-cpp";
import type { ModelFiles, ModelManifest } from "./model-files.ts";
import { loadRunner, type Runner } from "./runner.ts";
import { createThreadPace, type ThreadPace } from "./thread-pace.ts";

export interface Loaded {
  readonly manifest: ModelManifest;
  readonly runner: Runner;
  /** Unix ms; Infinity: stays. */
  readonly expiresAtMs: number;
}

/** A model on its way into memory. */
export interface Loading {
  readonly manifest: ModelManifest;
  readonly completedBytes: number;
}

/** One use of a model; Unix ms. */
export interface Work {
  readonly name: string;
  readonly askedAtMs: number;
  readonly sinceMs: number;
}

interface Slot extends Loaded {
  timer?: NodeJS.Timeout;
}

export interface Use {
  readonly name: string;
  /** Absent: as it is loaded, else the default. */
  readonly contextTokens?: number;
  readonly keepAliveMs: number;
}

const defaultContextTokens = 4096;

export class ModelPool {
  readonly #files: ModelFiles;
  readonly #slots = new Map<string, Slot>();
  #loading: Loading | undefined;
  #work: Work | undefined;
  #engine: Promise<Engine> | undefined;
  /** The last in the queue: one generation at a time, since the processor is shared anyway. */
  #tail: Promise<void> = Promise.resolve();

  constructor(files: ModelFiles) {
    this.#files = files;
  }

  loaded(): readonly Loaded[] {
    return [...this.#slots.values()];
  }

  loading(): Loading | undefined {
    return this.#loading;
  }

  /** What is being done now; undefined: nothing. */
  work(): Work | undefined {
    return this.#work;
  }

  /** Waits for its turn, loads the model if need be, and works with it. Who aborts while waiting leaves the queue. */
  async *use<T>(
    use: Use,
    signal: AbortSignal,
    work: (runner: Runner, loadMs: number) => AsyncIterable<T>,
  ): AsyncIterable<T> {
    const askedAtMs = Date.now();
    const before = this.#tail;
    let done: () => void = () => undefined;
    this.#tail = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await before;
      if (signal.aborted) return;
      const manifest = await this.#files.find(use.name);
      const startMs = performance.now();
      const slot = await this.#load(manifest, use.contextTokens);
      const loadMs = performance.now() - startMs;
      clearTimeout(slot.timer);
      this.#work = { name: manifest.name, askedAtMs, sinceMs: Date.now() };
      try {
        yield* work(slot.runner, loadMs);
      } finally {
        this.#work = undefined;
        await this.#keep(slot, use.keepAliveMs);
      }
    } finally {
      done();
    }
  }

  /** Waits for its turn: nothing is taken from under a generation. */
  unload(name: string): Promise<void> {
    return this.#inTurn(() => this.#drop(name));
  }

  async #drop(name: string): Promise<void> {
    const slot = this.#slots.get(name);
    if (!slot) return;
    this.#slots.delete(name);
    clearTimeout(slot.timer);
    await slot.runner.dispose();
  }

  async #load(manifest: ModelManifest, contextTokens: number | undefined): Promise<Slot> {
    const known = this.#slots.get(manifest.name);
    const wanted = Math.min(
      contextTokens ?? known?.runner.contextTokens ?? defaultContextTokens,
      manifest.contextTokens,
    );
    if (known && known.runner.contextTokens >= wanted && known.runner.contextTokens < wanted + 256) return known;
    await this.#drop(manifest.name);
    // Room first: what is loaded and idle goes when both would not fit.
    if (freemem() < manifest.sizeBytes * 1.5)
      await Promise.all([...this.#slots.keys()].map((name) => this.#drop(name)));
    this.#engine ??= startEngine();
    const { llama, pace } = await this.#engine;
    const path = this.#files.pathOf(manifest);
    const see = (share: number) => {
      this.#loading = { manifest, completedBytes: Math.round(share * manifest.sizeBytes) };
    };
    see(0);
    const runner = await loadRunner(llama, pace, { path, contextTokens: wanted }, see).finally(() => {
      this.#loading = undefined;
    });
    const slot: Slot = { manifest, runner, expiresAtMs: Number.POSITIVE_INFINITY };
    this.#slots.set(manifest.name, slot);
    return slot;
  }

  async #keep(slot: Slot, keepAliveMs: number): Promise<void> {
    const { name } = slot.manifest;
    if (keepAliveMs <= 0) {
      await this.#drop(name);
      return;
    }
    const isForever = !Number.isFinite(keepAliveMs);
    const kept: Slot = { ...slot, expiresAtMs: Date.now() + keepAliveMs };
    if (!isForever) {
      kept.timer = setTimeout(() => void this.#expire(name), Math.min(keepAliveMs, 2 ** 31 - 1));
      kept.timer.unref();
    }
    this.#slots.set(name, kept);
  }

  #expire(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const slot = this.#slots.get(name);
      if (slot && slot.expiresAtMs <= Date.now()) await this.#drop(name);
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }
}

interface Engine {
  readonly llama: Llama;
  readonly pace: ThreadPace;
}

async function startEngine(): Promise<Engine> {
  const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
  const llama = await getLlama({ gpu: "auto", build: "never", logLevel: LlamaLogLevel.error, maxThreads: 0 });
  const most = Math.max(1, Math.min(llama.cpuMathCores, availableParallelism()));
  llama.maxThreads = most;
  const threads = {
    most,
    get: () => llama.maxThreads,
    set(count: number) {
      llama.maxThreads = count;
    },
  };
  return { llama, pace: createThreadPace(threads, () => performance.now()) };
}
