// What OpenAI-compatible servers send. They differ; only what is used is asked for.
import * as z from "zod/mini";

const optional = <Value extends z.ZodMiniType>(value: Value) => z.optional(z.nullable(value));

export const modelsSchema = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      /** Which program it is: `vllm`, `sglang`, `llamacpp`. */
      owned_by: optional(z.string()),
      /** vLLM and SGLang tell it. */
      max_model_len: optional(z.number()),
      /** llama.cpp's server tells these. */
      meta: optional(
        z.object({ n_ctx_train: optional(z.number()), n_ctx: optional(z.number()), size: optional(z.number()) }),
      ),
    }),
  ),
});

export type ModelList = z.infer<typeof modelsSchema>;

/** llama.cpp's `/props`: the window of one slot, and what the model and its template can do. */
export const propsSchema = z.object({
  default_generation_settings: z.object({ n_ctx: z.number() }),
  chat_template_caps: z.catch(optional(z.object({ supports_tools: z.boolean() })), undefined),
  modalities: z.catch(optional(z.object({ vision: z.boolean() })), undefined),
});

export type Props = z.infer<typeof propsSchema>;

export const chunkSchema = z.object({
  choices: optional(
    z.array(
      z.object({
        delta: optional(
          z.object({
            content: optional(z.string()),
            reasoning: optional(z.string()),
            reasoning_content: optional(z.string()),
            tool_calls: optional(
              z.array(
                z.object({
                  index: z.number(),
                  id: optional(z.string()),
                  function: optional(z.object({ name: optional(z.string()), arguments: optional(z.string()) })),
                }),
              ),
            ),
          }),
        ),
        finish_reason: optional(z.string()),
      }),
    ),
  ),
  usage: optional(z.object({ prompt_tokens: z.number(), completion_tokens: optional(z.number()) })),
  error: z.optional(z.unknown()),
});

export type Chunk = z.infer<typeof chunkSchema>;

export const errorSchema = z.object({
  error: optional(z.union([z.string(), z.object({ message: z.string(), code: z.optional(z.unknown()) })])),
  message: optional(z.string()),
  detail: optional(z.unknown()),
});

export const embeddingsSchema = z.object({
  data: z.array(z.object({ index: z.number(), embedding: z.array(z.number()) })),
  usage: optional(z.object({ prompt_tokens: optional(z.number()) })),
});
