// How clients of each dialect say the finer part of how an answer is drawn.
import * as z from "zod/mini";
import { type FineSampling, fineIn } from "../core/sampling-names.ts";

const optional = <Value extends z.ZodMiniType>(value: Value) => z.optional(z.nullable(value));
const penalty = optional(z.number().check(z.gte(-2), z.lte(2)));
const fields = {
  seed: optional(z.int()),
  top_k: optional(z.int()),
  min_p: optional(z.number().check(z.gte(0), z.lte(1))),
  presence_penalty: penalty,
  frequency_penalty: penalty,
};
const ownFields = {
  typical_p: optional(z.number().check(z.gte(0), z.lte(1))),
  repeat_last_n: optional(z.int().check(z.gte(-1))),
  mirostat: optional(z.int().check(z.gte(0), z.lte(2))),
  mirostat_tau: optional(z.number().check(z.gte(0))),
  mirostat_eta: optional(z.number().check(z.gte(0))),
  num_keep: optional(z.int()),
};
export const topPField: ReturnType<typeof optional<z.ZodMiniNumber>> = optional(z.number().check(z.gte(0), z.lte(1)));

export const samplingFields: Readonly<typeof fields> = fields;
/** What only Ollama's dialect has. */
export const ollamaSamplingFields: Readonly<typeof ownFields> = ownFields;

/** As far as its dialect has them: what it has not is not in it any more. */
export function fineSampling(request: Parameters<typeof fineIn>[0] | null | undefined): FineSampling {
  const fine = fineIn(request ?? {});
  // Some say -1 for all of them.
  return fine.topK === undefined ? fine : { ...fine, topK: Math.max(0, fine.topK) };
}
