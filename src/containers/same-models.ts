// A new model server loads what the first one has loaded, so that its first question does not wait for it.
import * as z from "zod/mini";

const schema = z.object({ models: z.array(z.object({ name: z.string(), context_length: z.optional(z.number()) })) });

/** As long as it takes: large models take minutes. @returns how many; one that cannot be loaded is loaded by its first question */
export async function loadSameModels(from: string, to: string, signal: AbortSignal): Promise<number> {
  const answer = await fetch(`${from}/api/ps`, { signal }).catch(() => undefined);
  const running = schema.safeParse(await answer?.json().catch(() => undefined)).data?.models ?? [];
  signal.throwIfAborted();
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
