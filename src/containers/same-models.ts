// A new model server loads what the first one has loaded, so that its first question does not wait for it.
import * as z from "zod/mini";

const schema = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      context_length: z.optional(z.number()),
      size: z.catch(z.number(), 0),
      size_vram: z.catch(z.number(), 0),
    }),
  ),
});

/** What a server has loaded; empty where it does not tell. */
async function loadedAt(address: string, signal: AbortSignal): Promise<z.infer<typeof schema>["models"]> {
  const answer = await fetch(`${address}/api/ps`, { signal }).catch(() => undefined);
  const said: unknown = await answer?.json().catch(() => undefined);
  signal.throwIfAborted();
  return schema.safeParse(said).data?.models ?? [];
}

/** Memory that the same models would take once more, bytes; without what is on a graphics card. */
export async function memoryOfModels(address: string, signal: AbortSignal): Promise<number> {
  const loaded = await loadedAt(address, signal);
  return loaded.reduce((sum, { size, size_vram: onCard }) => sum + Math.max(0, size - onCard), 0);
}

/** As long as it takes: large models take minutes. @returns how many; one that cannot be loaded is loaded by its first question */
export async function loadSameModels(from: string, to: string, signal: AbortSignal): Promise<number> {
  const running = await loadedAt(from, signal);
  let loaded = 0;
  for (const { name, context_length: contextTokens } of running) {
    const options = contextTokens ? { options: { num_ctx: contextTokens } } : {};
    const body = JSON.stringify({ model: name, stream: false, ...options });
    const done = await fetch(`${to}/api/generate`, { method: "POST", body, signal }).catch(() => undefined);
    signal.throwIfAborted();
    await done?.text().catch(() => undefined);
    if (done?.ok) loaded++;
  }
  return loaded;
}
