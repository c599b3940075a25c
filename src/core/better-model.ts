// Who is asked when a machine found fault with an answer.
import type { InstalledModel } from "./backend.ts";
import { canChat } from "./can-chat.ts";
import { fitsMemory } from "./catalogue.ts";
import { usualContextTokens } from "./context.ts";
import type { Route } from "./route.ts";
import type { Settings } from "./settings.ts";

/** So many times the size is another class of model. */
const muchLarger = 1.5;

export interface BetterParts {
  readonly models: readonly InstalledModel[];
  readonly memoryBytes: number;
  readonly settings: Settings;
}

/**
 * The next larger class of model on this machine, else Claude, where it is connected and the text may leave; undefined:
 * nobody. Pure; whoever asks Claude asks the person first.
 */
export function betterModel(route: Route, { models, memoryBytes, settings }: BetterParts): InstalledModel | undefined {
  if (route.place === "cloud") return undefined;
  const own = models.find((model) => model.name === route.model && model.backend === route.backend);
  const larger = models
    .filter((model) => model.place === "this-machine" && canChat(model))
    .filter((model) => own && model.sizeBytes >= own.sizeBytes * muchLarger)
    .filter((model) => fitsMemory(model, usualContextTokens, memoryBytes))
    .toSorted((a, b) => a.sizeBytes - b.sizeBytes);
  const mayLeave = !settings.offline && !settings.localOnly && !route.localOnly && settings.cloudReasoning !== "never";
  const claude = models.find((model) => model.place === "cloud" && model.name === settings.cloudModel);
  return larger[0] ?? (mayLeave ? claude : undefined);
}
