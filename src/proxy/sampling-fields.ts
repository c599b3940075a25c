// How clients of each dialect say the finer part of how an answer is drawn.
import * as z from "zod/mini";
import type { Sampling } from "../core/task.ts";

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
const ownSchema = z.object(ownFields);
const fieldsSchema = z.object(fields);
export const topPField: ReturnType<typeof optional<z.ZodMiniNumber>> = optional(z.number().check(z.gte(0), z.lte(1)));

export const samplingFields: Readonly<typeof fields> = fields;
/** What only Ollama's dialect has. */
export const ollamaSamplingFields: Readonly<typeof ownFields> = ownFields;

export type FineSampling = Partial<Omit<Sampling, "temperature" | "topP" | "repeatPenalty">>;

export function fineSampling(given: Partial<z.infer<typeof fieldsSchema>> | null | undefined): FineSampling {
  const { seed, top_k: topK, min_p: minP, presence_penalty: presence, frequency_penalty: frequency } = given ?? {};
  return {
    ...(typeof seed === "number" ? { seed } : {}),
    // Some say -1 for all of them.
    ...(typeof topK === "number" ? { topK: Math.max(0, topK) } : {}),
    ...(typeof minP === "number" ? { minP } : {}),
    ...(typeof presence === "number" ? { presencePenalty: presence } : {}),
    ...(typeof frequency === "number" ? { frequencyPenalty: frequency } : {}),
  };
}

/** Of Ollama's dialect. */
export function ollamaSampling(
  given: (Partial<z.infer<typeof fieldsSchema>> & Partial<z.infer<typeof ownSchema>>) | null | undefined,
): FineSampling {
  const { typical_p: typicalP, repeat_last_n: repeatLastN, num_keep: numKeep, mirostat } = given ?? {};
  const { mirostat_tau: mirostatTau, mirostat_eta: mirostatEta } = given ?? {};
  return {
    ...fineSampling(given),
    ...(typeof typicalP === "number" ? { typicalP } : {}),
    ...(typeof repeatLastN === "number" ? { repeatLastN } : {}),
    ...(typeof mirostat === "number" ? { mirostat } : {}),
    ...(typeof mirostatTau === "number" ? { mirostatTau } : {}),
    ...(typeof mirostatEta === "number" ? { mirostatEta } : {}),
    ...(typeof numKeep === "number" ? { numKeep } : {}),
  };
}
