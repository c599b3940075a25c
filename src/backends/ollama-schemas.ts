// What an Ollama server sends, as far as it is read.
import * as z from "zod/mini";

const count = z.catch(z.number(), 0);
export const tagsSchema = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      size: count,
      digest: z.catch(z.string(), ""),
      details: z.optional(
        z.object({
          parameter_size: z.optional(z.string()),
          quantization_level: z.optional(z.string()),
          context_length: z.optional(z.number()),
        }),
      ),
      capabilities: z.optional(z.array(z.string())),
      remote_host: z.optional(z.string()),
      remote_model: z.optional(z.string()),
    }),
  ),
});
export const psSchema = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      size: count,
      size_vram: count,
      context_length: z.optional(z.number()),
      expires_at: z.optional(z.string()),
      /** Our engine's own: what of the weights is in memory, and which answer it is giving. */
      loading: z.optional(z.object({ completed: z.number(), total: z.number() })),
      answering: z.optional(z.nullable(z.object({ asked_at: z.string(), since: z.string() }))),
    }),
  ),
});
export const showSchema = z.object({
  capabilities: z.optional(z.array(z.string())),
  model_info: z.optional(z.record(z.string(), z.unknown())),
  requires: z.optional(z.string()),
});

export const embedSchema = z.object({ embeddings: z.array(z.array(z.number())), prompt_eval_count: count });
