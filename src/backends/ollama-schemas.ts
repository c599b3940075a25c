// What an Ollama server sends, as far as it is read.
import * as z from "zod/mini";
import type { InstalledModel, Place } from "../core/backend.ts";

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

export type Tag = z.infer<typeof tagsSchema>["models"][number];
/** What only `/api/show` tells of older servers. */
export type Shown = { readonly capabilities: readonly string[]; readonly contextTokens?: number };
type Server = { readonly name: string; readonly place: Place; readonly host?: string };

export function describeTag(tag: Tag, shown: Shown, server: Server): InstalledModel {
  const isRemote = tag.remote_host !== undefined || tag.remote_model !== undefined || /[:-]cloud$/.test(tag.name);
  const contextTokens = tag.details?.context_length ?? shown.contextTokens;
  return {
    name: tag.name,
    backend: server.name,
    place: isRemote ? "cloud" : server.place,
    sizeBytes: tag.size,
    ...(tag.digest ? { digest: tag.digest } : {}),
    ...(isRemote ? { host: remoteHost(tag) } : server.host ? { host: server.host } : {}),
    capabilities: shown.capabilities,
    goesOn: true,
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(tag.details?.parameter_size ? { parameterSize: tag.details.parameter_size } : {}),
    ...(tag.details?.quantization_level ? { quantization: tag.details.quantization_level } : {}),
  };
}

/** Older servers do not tell it of their own cloud. */
function remoteHost({ remote_host: told = "https://ollama.com" }: Tag): string {
  return URL.parse(told)?.host || told;
}
