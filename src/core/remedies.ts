// What would hold a prompt that does not fit, with the arithmetic.
import type { InstalledModel } from "./backend.ts";
import { canChat } from "./can-chat.ts";
import { fitsMemory } from "./catalogue.ts";
import { chooseContext } from "./context.ts";
import { judgeFit } from "./fit.ts";
import type { LargerWindow, Remedies } from "./remedy.ts";

export interface Overflow {
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly model: InstalledModel;
  /** Everything that may see the prompt. */
  readonly models: readonly InstalledModel[];
  readonly memoryBytes: number;
  readonly maxContextTokens: number;
}

/** Pure. Nothing in a cloud is a remedy: that is asked for elsewhere. */
export function remediesFor({ model, models, memoryBytes, maxContextTokens, ...need }: Overflow): Remedies {
  const windowOf = (each: InstalledModel, most: number) =>
    each.contextTokens === undefined || each.place === "cloud"
      ? undefined
      : chooseContext({ ...need, modelContextTokens: each.contextTokens, maxContextTokens: most });
  const window = windowOf(model, Number.POSITIVE_INFINITY);
  const holds = models.filter((each) => {
    const own = each.name === model.name ? undefined : windowOf(each, maxContextTokens);
    if (own === undefined || !canChat(each)) return false;
    return each.place !== "this-machine" || fitsMemory(each, own, memoryBytes);
  });
  const larger = window === undefined ? undefined : largerWindow(model, window, memoryBytes);
  const names = holds.toSorted((a, b) => b.sizeBytes - a.sizeBytes).map((each) => each.name);
  return { model: model.name, ...(larger ? { window: larger } : {}), models: [...new Set(names)].slice(0, 3) };
}

/** Undefined where the memory does not hold it. */
function largerWindow(model: InstalledModel, contextTokens: number, memoryBytes: number): LargerWindow | undefined {
  const { name, sizeBytes, place } = model;
  const ask = { model: name, sizeBytes, contextTokens, parallel: 1, isInstalled: true };
  const { verdict, says, lines } = judgeFit(ask, place === "this-machine" ? { memoryBytes } : {});
  return verdict === "too-large" ? undefined : { contextTokens, says, lines };
}
