// A download that the server does for us, kept going: asked for again when nothing comes, or when the line is cut.
import { setTimeout as sleep } from "node:timers/promises";
import type { PullProgress } from "../core/backend.ts";
import { type Message, type MessageArgument, msg } from "../core/message.ts";
import { serverName } from "../core/names.ts";
import { reasonText } from "../core/progress-text.ts";
import { createSpeedometer } from "../core/speedometer.ts";
import { TaskError } from "../core/task-error.ts";
import { abortError } from "./server-errors.ts";

/** A line of Ollama's `/api/pull`; bytes are those of one layer. */
export interface PullPart {
  readonly status: string;
  readonly digest?: string | undefined;
  readonly total?: number | undefined;
  readonly completed?: number | undefined;
}

export interface PullLimits {
  /** Longest time without a new byte while bytes are to come, ms; 0: the server watches itself. */
  readonly stallMs: number;
  /** How often it is asked for again without anything having come. */
  readonly tries: number;
  /** Before the first of them, ms; then twice as long each time. */
  readonly pauseMs: number;
}

export const usualPullLimits: PullLimits = { stallMs: 30_000, tries: 4, pauseMs: 1_000 };

/** @param once asks the server, which goes on from what it has; throws `TaskError` or an `AbortError` */
export async function* steadyPull(
  once: (signal: AbortSignal) => AsyncIterable<PullPart>,
  server: string,
  limits: PullLimits,
  signal: AbortSignal,
): AsyncIterable<PullProgress> {
  const layers = createLayers();
  let [restarts, vainTries] = [0, 0];
  for (;;) {
    const before = layers.completedBytes();
    const watchdog = createWatchdog(limits.stallMs);
    try {
      for await (const part of once(AbortSignal.any([signal, watchdog.signal]))) {
        watchdog.saw(layers.add(part), part);
        yield { status: part.status, ...layers.sum(), ...(restarts > 0 ? { restarts } : {}) };
      }
      return;
    } catch (error) {
      if (signal.aborted) throw abortError();
      const hasCome = layers.completedBytes() > before;
      if (!watchdog.signal.aborted && !isWorthAnother(error, hasCome)) throw error;
      vainTries = hasCome ? 0 : vainTries + 1;
      if (limits.stallMs === 0 || vainTries >= limits.tries) throw givenUp(server, limits, error);
    } finally {
      watchdog.end();
    }
    restarts++;
    yield { status: "asking again", ...layers.sum(), restarts };
    await sleep(limits.pauseMs * 2 ** Math.max(0, vainTries - 1), undefined, { signal }).catch(() => {
      throw abortError();
    });
  }
}

/** What Ollama's library says, or that it says nothing: a server passes it on in words only, as does the built-in engine. */
export function libraryError(error: unknown, server: string, model: string): TaskError | undefined {
  const text = error instanceof Error ? error.message : "";
  const who = serverName(server);
  const failures = /^no source of \S+ could be used\. (.+)$/s.exec(text)?.[1];
  if (failures) return new TaskError("network", nowhere(model, failures), { cause: error });
  // It refuses servers that cannot run a model.
  if (/\b412\b|newer version of Ollama/i.test(text)) {
    const tooOld = msg(
      "{0} is too old for {1}. Update Ollama, or the image of its container, and ask again.",
      who,
      model,
    );
    return new TaskError("server-error", tooOld, { cause: error });
  }
  if (/manifest.*(?:file does not exist|not found|manifest unknown)/i.test(text)) {
    const unknown = msg("The library of {0} has no model {1}. Look its name up at ollama.com/library.", who, model);
    return new TaskError("bad-input", unknown, { cause: error });
  }
  if (!/dial tcp|no such host|i\/o timeout|TLS handshake|x509|proxyconnect/i.test(text)) return undefined;
  const away = msg(
    "{0} cannot reach the library it gets models from: {1}. Check the network of its machine. Behind a proxy start it with HTTPS_PROXY, in its container with “switchyard.downloadProxy” and “switchyard.caFile”.",
    who,
    text,
  );
  return new TaskError("network", away, { cause: error });
}

/** @param failures as the built-in engine tells them: each reason with its sources */
function nowhere(model: string, failures: string): Message {
  const [first = "", ...others] = failures.split("; ");
  const said = (group: string): MessageArgument => {
    const [, why = "", sources = ""] = /^(.+?): (.+)$/s.exec(group) ?? [];
    return why === "" ? group : msg("{0}: {1}", reasonText(why), sources);
  };
  return msg(
    "{0} is to be had nowhere: {1}. Check the network; behind a proxy set HTTPS_PROXY. A source of your own is named in “switchyard.weightSources”.",
    model,
    others.reduce((list: MessageArgument, group) => msg("{0}; {1}", list, said(group)), said(first)),
  );
}

/** A server that was gone may come back; what it refuses at once, it refuses again. */
function isWorthAnother(error: unknown, hasCome: boolean): boolean {
  if (!(error instanceof TaskError)) return false;
  if (error.kind === "server-lost" || error.kind === "server-unreachable") return true;
  return error.kind === "network" && hasCome;
}

function givenUp(server: string, { stallMs, tries }: PullLimits, cause: unknown): Error {
  if (stallMs === 0 && cause instanceof Error) return cause;
  return new TaskError(
    "network",
    msg(
      "Nothing came from {0} in {1} tries. What arrived is kept: ask again later, and it goes on.",
      serverName(server),
      tries,
    ),
    { cause },
  );
}

/** Layers are reported one by one; people want one figure over all that are known, and one that never goes back. */
function createLayers() {
  const layers = new Map<string, { readonly completed: number; readonly total: number }>();
  const speed = createSpeedometer(() => performance.now());
  let bytesPerSecond: number | undefined;
  const add = (pick: (layer: { readonly completed: number; readonly total: number }) => number) =>
    [...layers.values()].reduce((sum, layer) => sum + pick(layer), 0);
  const completedBytes = () => add((layer) => layer.completed);
  return {
    completedBytes,
    /** @returns whether a byte is new */
    add({ digest, total, completed }: PullPart): boolean {
      if (!digest || !total) return false;
      const known = layers.get(digest);
      const layer = { total, completed: Math.max(known?.completed ?? 0, completed ?? 0) };
      layers.set(digest, layer);
      bytesPerSecond = speed.saw(completedBytes());
      return layer.completed > (known?.completed ?? -1);
    },
    sum(): Partial<PullProgress> {
      if (layers.size === 0) return {};
      return {
        completedBytes: completedBytes(),
        totalBytes: add((layer) => layer.total),
        ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      };
    },
  };
}

/** Aborts when nothing new comes; while a file is checked or written down, silence is normal. */
function createWatchdog(limitMs: number) {
  const stall = new AbortController();
  const start = () => (limitMs > 0 ? setTimeout(() => stall.abort(), limitMs) : undefined);
  let timer = start();
  return {
    signal: stall.signal,
    saw(isNew: boolean, { status, digest, total, completed }: PullPart): void {
      const isComing = digest !== undefined && (completed ?? 0) < (total ?? 0);
      if (isComing && !isNew) return;
      clearTimeout(timer);
      timer = digest !== undefined || status.startsWith("pulling") ? start() : undefined;
    },
    end: () => clearTimeout(timer),
  };
}
