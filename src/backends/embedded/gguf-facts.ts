// What a GGUF file says of the shape of its model, under the names that `/api/show` has for it.
const wanted = [
  "block_count",
  "embedding_length",
  "attention.head_count",
  "attention.head_count_kv",
  "attention.key_length",
  "attention.value_length",
] as const;

/** Empty where the file cannot be read: the facts are a help, not a need. */
export async function ggufFacts(path: string): Promise<Readonly<Record<string, unknown>>> {
  const { readGgufFileInfo } = await import("node-llama-cpp");
  const info = await readGgufFileInfo(path, { readTensorInfo: false, logWarnings: false }).catch(() => undefined);
  if (!info) return {};
  const architecture = info.metadata.general.architecture;
  const own: unknown = Reflect.get(info.metadata, architecture);
  const facts = wanted.flatMap((name): [string, unknown][] => {
    const value = name.split(".").reduce<unknown>(field, own);
    return value === undefined ? [] : [[`${architecture}.${name}`, value]];
  });
  return Object.fromEntries(facts);
}

function field(of: unknown, name: string): unknown {
  return typeof of === "object" && of !== null ? Reflect.get(of, name) : undefined;
}
