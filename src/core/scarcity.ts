// Whether a model that is being loaded finds room, in words for whoever asked it.
import type { LoadedModel } from "./backend.ts";
import { type FitAsk, memoryNeed, type Room, usableBytes } from "./fit.ts";
import { formatBytes } from "./format-bytes.ts";
import { type Message, msg } from "./message.ts";
import type { ModelEvent } from "./model-event.ts";
import { serverName } from "./names.ts";

/** `refusal`: its weights alone are more than there is, whatever is closed or unloaded. */
export interface Scarcity {
  readonly kind: "notice" | "refusal";
  readonly text: Message;
}

export type Loading = Extract<ModelEvent, { readonly kind: "loading" }>;

/** Whether a model that a server begins to load finds room there; undefined: it does, or that is not known. */
export type FindScarcity = (loading: Loading, server: string, signal: AbortSignal) => Promise<Scarcity | undefined>;

/** Beside twice its weights: enough for any context that a server gives it. */
const plentyBytes = 4 * 2 ** 30;

/** Nothing more has to be found out then. @param weightBytes undefined: not known */
export function isPlenty(thereBytes: number, weightBytes: number | undefined): boolean {
  return weightBytes !== undefined && thereBytes > 2 * weightBytes + plentyBytes;
}

/** @param others models that other servers of this machine hold; its own server gives room back by itself */
export function scarcityOf(ask: FitAsk, room: Room, others: readonly LoadedModel[]): Scarcity | undefined {
  const usable = usableBytes(room);
  if (usable === undefined) return undefined;
  const { vramBytes = 0, freeBytes = usable } = room;
  const { totalBytes, weightsBytes } = memoryNeed(ask);
  const allBytes = Math.min(room.memoryBytes ?? Number.POSITIVE_INFINITY, room.limitBytes ?? Number.POSITIVE_INFINITY);
  if (weightsBytes > allBytes + vramBytes) return refusal(ask.model, weightsBytes, allBytes + vramBytes);
  const thereBytes = Math.min(usable, freeBytes) + vramBytes;
  if (totalBytes <= thereBytes) return undefined;
  const text = msg(
    "{0} is being loaded and wants {1}; there are {2} for it at the moment. It may be slow, or fail. {3}",
    ask.model,
    formatBytes(totalBytes),
    formatBytes(thereBytes),
    remedy(others),
  );
  return { kind: "notice", text };
}

function refusal(model: string, weightsBytes: number, allBytes: number): Scarcity {
  const text = msg(
    "{0} cannot run here: its weights alone are {1}, and there are {2} of memory for models in all. Take a smaller model, or a smaller quantisation of it, such as Q4.",
    model,
    formatBytes(weightsBytes),
    formatBytes(allBytes),
  );
  return { kind: "refusal", text };
}

function remedy(others: readonly LoadedModel[]): Message {
  const [largest] = [...others].sort((a, b) => b.sizeBytes - a.sizeBytes);
  return largest
    ? msg(
        "To make room, unload {0} ({1}, {2}), or take a smaller quantisation.",
        largest.name,
        serverName(largest.backend),
        formatBytes(largest.sizeBytes),
      )
    : msg("To make room, close other programs, or take a smaller model or quantisation, such as Q4.");
}
