// Which model turns texts into vectors. They are of this machine or the person's own hosts: nothing is sent elsewhere.
import type { Embeddings, EmbedRequest, InstalledModel } from "./backend.ts";
import catalogue from "./catalogue.json" with { type: "json" };
import { isTag } from "./catalogue.ts";
import { msg } from "./message.ts";
import { isLocalPlace } from "./policy.ts";
import type { Settings } from "./settings.ts";
import { TaskError } from "./task-error.ts";

/** `model` absent: the best one there is. */
export type EmbedAsk = Omit<EmbedRequest, "model"> & { readonly model?: string };

export interface Embedded extends Embeddings {
  readonly model: string;
}

/** Makes the vectors, and records it where the texts leave. @throws TaskError `storage`: nothing was sent */
export type RecordTexts = (
  model: InstalledModel,
  request: Pick<EmbedRequest, "texts">,
  embed: () => Promise<Embeddings>,
) => Promise<Embeddings>;

/** Texts of one request. */
const maxTexts = 2048;

/**
 * The named model, or the best that is made for it.
 * @throws TaskError `model-missing`, `local-only`, `bad-input`
 */
export function chooseEmbedder(ask: EmbedAsk, models: readonly InstalledModel[], settings: Settings): InstalledModel {
  if (ask.texts.length > maxTexts) {
    throw new TaskError(
      "bad-input",
      msg("{0} texts are too many at once; send {1} at most.", ask.texts.length, maxTexts),
    );
  }
  const empty = ask.texts.indexOf("");
  if (empty >= 0) {
    const text = msg("Text {0} of {1} is empty: there is nothing to make a vector of.", empty + 1, ask.texts.length);
    throw new TaskError("bad-input", text);
  }
  const here = models.filter((model) => isLocalPlace(model, settings));
  const made = here.filter((model) => model.capabilities.includes("embedding"));
  const { model: name } = ask;
  if (name === undefined) {
    const best = catalogue.embedding.flatMap((tag) => made.filter((model) => isTag(model.name, tag)));
    const chosen = best[0] ?? made[0];
    if (chosen) return chosen;
    throw missing(msg("No embedding model is installed. Get one first, such as {0}.", catalogue.embedding[0] ?? ""));
  }
  const named = (list: readonly InstalledModel[]) =>
    list.find((model) => model.name === name) ?? list.find((model) => isTag(model.name, name));
  const model = named(here);
  if (model) return model;
  if (named(models)) {
    throw new TaskError("local-only", msg("Nothing was sent to {0}: embeddings are made on this machine only.", name));
  }
  throw missing(msg("The model {0} is not installed.", name), name);
}

/**
 * Some servers and models take no notice of how long the vectors are to be.
 * @throws TaskError `bad-input`
 */
export function checkDimensions({ dimensions }: EmbedAsk, { model, vectors }: Embedded): void {
  const wrong = dimensions === undefined ? undefined : vectors.find(({ length }) => length !== dimensions);
  if (!wrong) return;
  throw new TaskError(
    "bad-input",
    msg("{0} makes vectors of {1} numbers, not of {2}. Leave “dimensions” out.", model, wrong.length, dimensions ?? 0),
  );
}

function missing(text: ReturnType<typeof msg>, suggestedModel = catalogue.embedding[0] ?? ""): TaskError {
  return new TaskError("model-missing", text, { details: { suggestedModel } });
}
