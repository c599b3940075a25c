// Puts together what a model needs and what there is.
import type { Backend, LoadedModel } from "../core/backend.ts";
import type { CatalogueModel } from "../core/catalogue.ts";
import { usualContextTokens } from "../core/context.ts";
import { type Fit, type FitAsk, judgeFit, type MeasuredSizes, memoryNeed, type Room } from "../core/fit.ts";
import { isNamed } from "../core/is-named.ts";

export interface FittingParts {
  readonly knownModel: (name: string) => Partial<CatalogueModel> | undefined;
  readonly measured: MeasuredSizes;
  /** What a server has for models, and how many answers it makes at once. */
  readonly roomOf: (
    backend: Backend,
    signal: AbortSignal,
  ) => Promise<{ readonly room: Room; readonly parallel: number }>;
}

export interface Fitting {
  /** Undefined where nobody can say how large the model is. @param sizeBytes where it is known by now */
  fit(model: string, backend: Backend, signal: AbortSignal, sizeBytes?: number): Promise<Fit | undefined>;
  /** What a model that is being loaded wants, and what there is for it with all that its server gives back. */
  whileLoading(model: string, backend: Backend, signal: AbortSignal): Promise<Wanting | undefined>;
  /** Remembers what loaded models really take. */
  learn(loaded: readonly LoadedModel[], backendNamed: (name: string) => Backend | undefined): void;
  /** Resolves when what was to be remembered is. */
  settled(): Promise<void>;
}

export interface Wanting {
  readonly ask: FitAsk;
  readonly room: Room;
}

/** A server that takes longer to describe its models has nothing learned of them. */
const describeMs = 5_000;

export function createFitting({ knownModel, measured, roomOf }: FittingParts): Fitting {
  let learning: Promise<void> = Promise.resolve();
  const describe = (model: string, backend: Backend, signal: AbortSignal, sizeBytes?: number) =>
    describeModel(model, backend, knownModel(model), sizeBytes, signal);
  const wanting = async (
    model: string,
    backend: Backend,
    { isLoading, sizeBytes }: { readonly isLoading: boolean; readonly sizeBytes?: number | undefined },
    signal: AbortSignal,
  ): Promise<Wanting | undefined> => {
    const [facts, { room, parallel }] = await Promise.all([
      describe(model, backend, signal, sizeBytes),
      roomOf(backend, signal),
    ]);
    if (!facts) return undefined;
    const freeBytes = facts.isInstalled ? await freeFor(model, backend, room.freeBytes, isLoading, signal) : undefined;
    const [last, correction] = await Promise.all([measured.of(model), measured.correction()]);
    const ask: FitAsk = {
      ...facts,
      parallel,
      ...(last ? { measured: last } : {}),
      ...(correction === undefined ? {} : { correction }),
    };
    const { freeBytes: _, ...always } = room;
    return { ask, room: { ...always, ...(freeBytes === undefined ? {} : { freeBytes }) } };
  };
  return {
    async fit(model, backend, signal, sizeBytes) {
      const found = await wanting(model, backend, { isLoading: false, sizeBytes }, signal);
      return found && judgeFit(found.ask, found.room);
    },
    whileLoading: (model, backend, signal) => wanting(model, backend, { isLoading: true }, signal),
    learn(loaded, backendNamed) {
      learning = learning.then(() => learn(loaded, backendNamed)).catch(() => undefined);
    },
    settled: () => learning,
  };

  async function learn(loaded: readonly LoadedModel[], backendNamed: (name: string) => Backend | undefined) {
    const signal = AbortSignal.timeout(describeMs);
    for (const { name, backend: server, sizeBytes, contextTokens } of loaded) {
      const backend = backendNamed(server);
      if (!backend || contextTokens === undefined || sizeBytes === 0) continue;
      const last = await measured.of(name);
      // Asked once a second by the monitor: a known one costs no request.
      const isKnown = last?.contextTokens === contextTokens && Math.abs(last.bytes - sizeBytes) < sizeBytes / 100;
      if (isKnown) continue;
      const [facts, { parallel }] = await Promise.all([describe(name, backend, signal), roomOf(backend, signal)]);
      if (!facts) continue;
      const estimate = memoryNeed({ ...facts, contextTokens, parallel });
      await measured.learn(name, { bytes: sizeBytes, contextTokens }, estimate.totalBytes);
    }
  }
}

/** Undefined where nobody can say how large the model is. @param sizeBytes where it is known by now */
async function describeModel(
  model: string,
  backend: Backend,
  known: Partial<CatalogueModel> | undefined,
  sizeBytes: number | undefined,
  signal: AbortSignal,
) {
  const installed = (await backend.models(signal)).find(({ name }) => isNamed(name, model));
  const size = installed?.sizeBytes ?? sizeBytes ?? known?.sizeBytes;
  if (!size) return undefined;
  const details = installed ? await backend.details?.(installed.name, signal).catch(() => undefined) : undefined;
  const shape = details?.shape ?? known?.shape;
  const requires = details?.requires ?? known?.requires;
  const most = installed?.contextTokens ?? known?.contextTokens ?? usualContextTokens;
  return {
    model,
    sizeBytes: size,
    contextTokens: Math.min(usualContextTokens, most),
    isInstalled: installed !== undefined,
    ...(shape ? { shape } : {}),
    ...(requires ? { requires } : {}),
  };
}

/** With what servers give back: they unload models that nobody asks for one that is. Undefined: it is loaded already. */
async function freeFor(
  model: string,
  backend: Backend,
  freeBytes: number | undefined,
  isLoading: boolean,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (freeBytes === undefined) return undefined;
  const loaded = await backend.loaded(signal).catch((): readonly LoadedModel[] => []);
  const isIt = ({ name }: LoadedModel) => isNamed(name, model);
  if (!isLoading && loaded.some(isIt)) return undefined;
  return loaded
    .filter((each) => !isIt(each))
    .reduce((sum, { sizeBytes, vramBytes }) => sum + Math.max(0, sizeBytes - vramBytes), freeBytes);
}
