// What an ask wants of a model besides answering, and what is said where no model can do it.
import type { InstalledModel } from "./backend.ts";
import { candidatesFor, offersFor } from "./catalogue.ts";
import { msg } from "./message.ts";
import { hasPictures } from "./pictures.ts";
import type { Settings } from "./settings.ts";
import type { Ask } from "./task.ts";
import { TaskError } from "./task-error.ts";

export type Need = "vision" | "tools";

export function needsOf(ask: Ask): readonly Need[] {
  const { toolUse } = ask.ownPrompt ?? {};
  // A call that has to be made is made with a grammar, which every model can follow.
  const hasTools = toolUse !== undefined && toolUse.tools.length > 0 && toolUse.choice.kind === "auto";
  return [...(hasPictures(ask) ? ["vision" as const] : []), ...(hasTools ? ["tools" as const] : [])];
}

/** Also where the server does not tell what a model can. */
export function can(model: InstalledModel, need: Need): boolean {
  return model.capabilities.length === 0 || model.capabilities.includes(need);
}

export function cannot(model: string, needs: readonly Need[], usable: readonly InstalledModel[]): TaskError {
  const other = usable[0]?.name;
  const isSeeing = needs.includes("vision");
  if (other !== undefined) {
    const text = isSeeing
      ? msg("{0} cannot see pictures. Nothing was asked. {1} can: choose it, or send text only.", model, other)
      : msg("{0} cannot call tools. Nothing was asked. {1} can: choose it, or send no tools.", model, other);
    return new TaskError("bad-input", text);
  }
  const text = isSeeing
    ? msg(
        "{0} cannot see pictures, and no model here can. Nothing was asked. Get one that can, or send text only.",
        model,
      )
    : msg(
        "{0} cannot call tools, and no model here can. Nothing was asked. Get one that can, or send no tools.",
        model,
      );
  return new TaskError("bad-input", text);
}

/** Smaller models neither see nor call well. */
const ableBytes = 2 * 2 ** 30;

export function nothingCan(needs: readonly Need[], memoryBytes: number, settings: Settings): TaskError {
  const isSeeing = needs.includes("vision");
  const offers = offersFor(memoryBytes, settings.modelProfile).filter((offer) => offer.sizeBytes > ableBytes);
  const wanted = candidatesFor(isSeeing ? "vision" : "general", settings.modelProfile);
  const fits = (tag: string) => offers.some((offer) => offer.name === tag && offer.fits);
  const suggestedModel = wanted.find(fits) ?? wanted.find((tag) => offers.some((offer) => offer.name === tag)) ?? "";
  const text = isSeeing
    ? msg(
        "No model here can see pictures. Nothing was asked. Get one that can, such as {0}, or send text only.",
        suggestedModel,
      )
    : msg(
        "No model here can call tools. Nothing was asked. Get one that can, such as {0}, or send no tools.",
        suggestedModel,
      );
  return new TaskError("model-missing", text, { details: { suggestedModel } });
}
