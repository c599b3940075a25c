import type { Sampling } from "./task.ts";

/** What only programs ask for. */
export type FineSampling = Partial<Omit<Sampling, "temperature" | "topP" | "repeatPenalty">>;

/** Ollama's names, which the other dialects share as far as they have the options. */
export const fineNames = {
  seed: "seed",
  topK: "top_k",
  minP: "min_p",
  presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty",
  typicalP: "typical_p",
  repeatLastN: "repeat_last_n",
  mirostat: "mirostat",
  mirostatTau: "mirostat_tau",
  mirostatEta: "mirostat_eta",
  numKeep: "num_keep",
} as const satisfies Readonly<Record<keyof FineSampling, string>>;

type Key = keyof typeof fineNames;
export type FineName = (typeof fineNames)[Key];

const names = Object.entries(fineNames);

/** Those that are there, by their names in requests. */
export function namedFine(sampling: FineSampling): Partial<Record<FineName, number>> {
  const values: Readonly<Record<string, number | undefined>> = sampling;
  return Object.fromEntries(names.flatMap(([key, name]) => (values[key] === undefined ? [] : [[name, values[key]]])));
}

/** Those that a request has. */
export function fineIn(request: Partial<Record<FineName, number | null | undefined>>): FineSampling {
  return Object.fromEntries(
    names.flatMap(([key, name]) => (typeof request[name] === "number" ? [[key, request[name]]] : [])),
  );
}
