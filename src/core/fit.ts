// Will a model run here? Reckoned before a byte is fetched, with every number that went into it.
import { formatBytes } from "./format-bytes.ts";
import { type Message, msg } from "./message.ts";

/** What decides how much memory a token of context takes. */
export interface ModelShape {
  readonly layers: number;
  readonly kvHeads: number;
  /** Numbers that a head keeps of a token. */
  readonly keyLength: number;
  readonly valueLength: number;
}

export interface FitQuestion {
  readonly sizeBytes: number;
  /** Absent: reckoned from the size. */
  readonly shape?: ModelShape;
  readonly contextTokens: number;
  /** Answers that the server makes at once, each with a context of its own. */
  readonly parallel: number;
  /** What it took when it was loaded here the last time, at a context. */
  readonly measured?: { readonly bytes: number; readonly contextTokens: number };
  /** By how much estimates were wrong for other models here: measured through estimated. */
  readonly correction?: number;
}

export interface MemoryNeed {
  readonly weightsBytes: number;
  readonly contextBytes: number;
  readonly runtimeBytes: number;
  readonly totalBytes: number;
  /** Where the numbers come from. */
  readonly basis: "measured" | "shape" | "size";
}

const mib = 2 ** 20;
const gib = 2 ** 30;
/** Keys and values are kept in 16 bits unless the server is told otherwise. */
const bytesPerNumber = 2;
/** What a weight takes at the usual four bits and a half, bytes. */
const bytesPerParameter = 0.6;

export function memoryNeed(question: FitQuestion): MemoryNeed {
  const { sizeBytes, shape, contextTokens, parallel, measured, correction = 1 } = question;
  const perToken = shape ? bytesPerTokenOf(shape) : bytesPerTokenBySize(sizeBytes);
  const contextBytes = perToken * contextTokens * parallel;
  if (measured) {
    // Another context than then: the difference is reckoned.
    const more = perToken * (contextTokens - measured.contextTokens) * parallel;
    const totalBytes = Math.max(sizeBytes, measured.bytes + more);
    const runtimeBytes = Math.max(0, totalBytes - sizeBytes - contextBytes);
    return {
      weightsBytes: sizeBytes,
      contextBytes: totalBytes - sizeBytes - runtimeBytes,
      runtimeBytes,
      totalBytes,
      basis: "measured",
    };
  }
  const runtimeBytes = Math.min(1 * gib, Math.max(64 * mib, sizeBytes * 0.15));
  const plain = sizeBytes + contextBytes + runtimeBytes;
  // What others took over their estimate is put down to the runtime; never less than the weights.
  const totalBytes = Math.max(sizeBytes + contextBytes, plain * correction);
  return {
    weightsBytes: sizeBytes,
    contextBytes,
    runtimeBytes: totalBytes - sizeBytes - contextBytes,
    totalBytes,
    basis: shape ? "shape" : "size",
  };
}

const bytesPerTokenOf = ({ layers, kvHeads, keyLength, valueLength }: ModelShape): number =>
  layers * kvHeads * (keyLength + valueLength) * bytesPerNumber;

/** Of the usual shapes of a size, the larger ones: rather warned in vain than out of memory. */
function bytesPerTokenBySize(sizeBytes: number): number {
  const billions = sizeBytes / bytesPerParameter / 1e9;
  const steps = [
    [1, 16],
    [2, 32],
    [5, 112],
    [10, 144],
    [16, 192],
  ] as const;
  return (steps.find(([upTo]) => billions <= upTo)?.[1] ?? 256) * 1024;
}

/** What models took when they were loaded here. */
export interface MeasuredSizes {
  of(model: string): Promise<{ readonly bytes: number; readonly contextTokens: number } | undefined>;
  /** By how much estimates were wrong here, measured through estimated; undefined where nothing was measured. */
  correction(): Promise<number | undefined>;
  /** Writes nothing where it is known. */
  learn(
    model: string,
    measured: { readonly bytes: number; readonly contextTokens: number },
    estimatedBytes: number,
  ): Promise<void>;
}

/** What is there. What is not known is left out, and said so. */
export interface Room {
  /** Of the machine, or of the container where it has a limit. */
  readonly memoryBytes?: number;
  /** `MAX_MODEL_MEMORY`, or the limit of the container; it holds nothing but models. */
  readonly limitBytes?: number;
  /** Free at this moment, with what the server gives back for it; absent: not known, or the model is loaded. */
  readonly freeBytes?: number;
  /** Of all graphics cards together. */
  readonly vramBytes?: number;
  /** Free where the models lie. */
  readonly diskFreeBytes?: number;
  /** Of the server. */
  readonly version?: string;
}

export type Verdict = "fits" | "slow" | "not-now" | "too-large" | "no-disk" | "too-old" | "unknown";

export interface Fit {
  readonly verdict: Verdict;
  /** One sentence. */
  readonly says: Message;
  /** The arithmetic, a line each. */
  readonly lines: readonly Message[];
  readonly need: MemoryNeed;
}

/** Left to everything else that runs on the machine. */
const systemBytes = 2 * gib;
/** A disk that is filled to the last byte stops more than a download. */
const diskReserveBytes = 1e9;

export interface FitAsk extends FitQuestion {
  readonly model: string;
  /** Lowest version of the server that can run it. */
  readonly requires?: string;
  /** Of it, so much is there already. */
  readonly arrivedBytes?: number;
  readonly isInstalled?: boolean;
}

export function judgeFit(ask: FitAsk, room: Room): Fit {
  const need = memoryNeed(ask);
  const lines = [...needLines(ask, need), ...roomLines(room)];
  const verdict = verdictOf(ask, need, room);
  return { verdict, says: sentence(verdict, ask, need, room), lines, need };
}

/** What models may take. */
export function usableBytes({ memoryBytes, limitBytes }: Room): number | undefined {
  const free = memoryBytes === undefined ? undefined : Math.max(0, memoryBytes - systemBytes);
  if (limitBytes === undefined) return free;
  return free === undefined ? limitBytes : Math.min(free, limitBytes);
}

function verdictOf(ask: FitAsk, need: MemoryNeed, room: Room): Verdict {
  if (ask.requires && room.version && isOlder(room.version, ask.requires)) return "too-old";
  const toFetchBytes = ask.isInstalled ? 0 : Math.max(0, ask.sizeBytes - (ask.arrivedBytes ?? 0));
  if (toFetchBytes > 0 && room.diskFreeBytes !== undefined && toFetchBytes + diskReserveBytes > room.diskFreeBytes)
    return "no-disk";
  const usable = usableBytes(room);
  if (usable === undefined) return "unknown";
  const { vramBytes = 0, freeBytes = usable } = room;
  // What does not go on the card is put into memory.
  if (need.totalBytes > usable + vramBytes) return "too-large";
  if (need.totalBytes > freeBytes + vramBytes) return "not-now";
  return vramBytes > 0 && need.totalBytes > vramBytes * 0.95 ? "slow" : "fits";
}

function sentence(verdict: Verdict, ask: FitAsk, need: MemoryNeed, room: Room): Message {
  const needed = formatBytes(need.totalBytes);
  const usable = formatBytes(usableBytes(room) ?? 0);
  switch (verdict) {
    case "fits":
      return room.vramBytes
        ? msg("It fits the graphics card: {0} of {1}.", needed, formatBytes(room.vramBytes))
        : msg("It fits: {0} of {1}.", needed, usable);
    case "slow":
      return msg(
        "It is larger than the graphics card ({0} of {1}): a part of it runs on the processor, slowly.",
        needed,
        formatBytes(room.vramBytes ?? 0),
      );
    case "not-now":
      return msg(
        "Not at the moment: it wants {0}, and {1} of memory are free. Close what takes memory, then load it.",
        needed,
        formatBytes(room.freeBytes ?? 0),
      );
    case "too-large":
      return msg("It does not fit: it wants {0}, and models may take {1}.", needed, usable);
    case "no-disk":
      return msg(
        "The disk has no room for it: {0} are to come, {1} are free.",
        formatBytes(ask.sizeBytes - (ask.arrivedBytes ?? 0)),
        formatBytes(room.diskFreeBytes ?? 0),
      );
    case "too-old":
      return msg("The server is too old for it: it wants {0}, this is {1}.", ask.requires ?? "", room.version ?? "");
    case "unknown":
      return msg("It wants {0}; how much memory that server has is not known.", needed);
  }
}

function needLines(ask: FitAsk, need: MemoryNeed): readonly Message[] {
  const { contextTokens, parallel } = ask;
  const basis = {
    measured: msg("measured here"),
    shape: msg("from the model’s shape"),
    size: msg("estimated from its size"),
  }[need.basis];
  return [
    msg("Weights: {0}", formatBytes(need.weightsBytes)),
    parallel > 1
      ? msg("Context of {0} tokens, {1} at once: {2}", contextTokens, parallel, formatBytes(need.contextBytes))
      : msg("Context of {0} tokens: {1}", contextTokens, formatBytes(need.contextBytes)),
    msg("Runtime: {0}", formatBytes(need.runtimeBytes)),
    msg("Together: {0} ({1})", formatBytes(need.totalBytes), basis),
  ];
}

function roomLines(room: Room): readonly Message[] {
  const { memoryBytes, limitBytes, freeBytes, vramBytes, diskFreeBytes } = room;
  return [
    memoryBytes === undefined
      ? msg("Memory: not known")
      : msg("Memory: {0}, of which {1} stay with the system", formatBytes(memoryBytes), formatBytes(systemBytes)),
    ...(freeBytes === undefined
      ? []
      : [msg("Free at the moment, with what unloading gives: {0}", formatBytes(freeBytes))]),
    ...(limitBytes === undefined ? [] : [msg("Limit for models: {0}", formatBytes(limitBytes))]),
    ...(vramBytes ? [msg("Graphics memory: {0}", formatBytes(vramBytes))] : []),
    diskFreeBytes === undefined ? msg("Disk: not known") : msg("Disk: {0} free", formatBytes(diskFreeBytes)),
  ];
}

/** `0.9.6` is older than `0.11.0`. What is no version is not older than anything. */
export function isOlder(version: string, than: string): boolean {
  const parts = (text: string) =>
    /^v?(\d+)\.(\d+)(?:\.(\d+))?/
      .exec(text)
      ?.slice(1)
      .map((each) => Number(each ?? 0));
  const [have, want] = [parts(version), parts(than)];
  if (!have || !want) return false;
  for (const [index, part] of want.entries()) {
    const mine = have[index] ?? 0;
    if (mine !== part) return mine < part;
  }
  return false;
}
