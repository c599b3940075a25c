// How large a model's memory of the conversation is, from what `/api/show` tells of it.
import type { ModelDetails } from "../core/backend.ts";

/** @param info `model_info`: keys such as `llama.attention.head_count_kv`, whose first part is the architecture */
export function detailsFrom(info: Readonly<Record<string, unknown>>, requires?: string): ModelDetails {
  const architecture = String(info["general.architecture"] ?? "");
  const read = (name: string) => largest(info[`${architecture}.${name}`]);
  const layers = read("block_count");
  const heads = read("attention.head_count");
  const kvHeads = read("attention.head_count_kv") ?? heads;
  const embedding = read("embedding_length");
  const perHead = embedding !== undefined && heads ? Math.round(embedding / heads) : undefined;
  const keyLength = read("attention.key_length") ?? perHead;
  const valueLength = read("attention.value_length") ?? keyLength;
  const isKnown = layers && kvHeads && keyLength && valueLength;
  return {
    ...(isKnown ? { shape: { layers, kvHeads, keyLength, valueLength } } : {}),
    ...(requires ? { requires } : {}),
  };
}

/** Some models have another number for each layer; the largest is on the safe side. */
function largest(value: unknown): number | undefined {
  const numbers = [value].flat().filter((each): each is number => typeof each === "number" && each > 0);
  return numbers.length > 0 ? Math.max(...numbers) : undefined;
}
