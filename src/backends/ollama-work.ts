// What a server does with its models right now, as `/api/ps` tells it: loading one, answering, or nothing.
import { setTimeout as pause } from "node:timers/promises";
import type * as z from "zod/mini";
import type { LoadedModel } from "../core/backend.ts";
import type { ModelEvent } from "../core/model-event.ts";
import type { psSchema } from "./ollama-schemas.ts";

export type Working = z.infer<typeof psSchema>["models"][number];

/** What is loaded; what is being loaded is not. */
export function loadedFrom(models: readonly Working[], backend: string): readonly LoadedModel[] {
  return models
    .filter((model) => !model.loading)
    .map((model) => {
      const expiresAtMs = Date.parse(model.expires_at ?? "");
      return {
        name: model.name,
        backend,
        sizeBytes: model.size,
        vramBytes: model.size_vram,
        ...(model.context_length === undefined ? {} : { contextTokens: model.context_length }),
        ...(Number.isNaN(expiresAtMs) ? {} : { expiresAtMs }),
      };
    });
}

type Loading = Extract<ModelEvent, { kind: "loading" }>;

export interface LoadingParts {
  readonly model: string;
  /** Size of its weights, where that is known. */
  readonly weightBytes: number | undefined;
  readonly look: () => Promise<readonly Working[]>;
}

export const lookEveryMs = 250;

/**
 * Says how far the loading of a model is until its server begins to answer; nothing where it was loaded before. There is
 * no time limit. A server that does not tell how much of it is loaded has the size of the whole told.
 * @param begun settles when the answer has begun or failed
 */
export async function* watchLoading(begun: Promise<unknown>, parts: LoadingParts): AsyncIterable<Loading> {
  const ended = begun.then(
    () => undefined,
    () => undefined,
  );
  let told = "";
  let wasLoading = false;
  for (let isFirst = true; ; isFirst = false) {
    const models = await Promise.race([ended, parts.look().catch(() => undefined)]);
    if (!models) return;
    const found = models.find((each) => each.name === parts.model);
    const bytes = found ? bytesOf(found, parts.weightBytes) : undefined;
    if (isFirst && found && !bytes) return;
    const totalBytes = bytes?.totalBytes ?? parts.weightBytes;
    // Ollama itself has a model in its list before that is loaded.
    const isLoaded = wasLoading && found !== undefined && !found.loading;
    wasLoading ||= found?.loading !== undefined;
    const loadedBytes = isLoaded ? totalBytes : bytes?.loadedBytes;
    const event: Loading = {
      kind: "loading",
      model: parts.model,
      ...(loadedBytes === undefined ? {} : { loadedBytes }),
      ...(totalBytes === undefined ? {} : { totalBytes }),
    };
    const text = JSON.stringify(event);
    if (text !== told) yield event;
    told = text;
    const isWaiting = await Promise.race([ended, pause(lookEveryMs, true, { ref: false })]);
    if (!isWaiting) return;
  }
}

/** A model that takes less than its weights is not whole yet. */
function bytesOf({ loading, size }: Working, weightBytes: number | undefined) {
  if (loading) return { loadedBytes: loading.completed, totalBytes: loading.total };
  return weightBytes !== undefined && size > 0 && size < weightBytes
    ? { loadedBytes: size, totalBytes: weightBytes }
    : undefined;
}
