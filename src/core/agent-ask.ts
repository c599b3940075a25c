// What the `local_llm` tool takes, whoever offers it.
import * as z from "zod/mini";
import { type Ask, kindOfTaskType, type Source } from "./task.ts";

export const agentTaskTypes = ["code", "translation", "creative", "general"] as const;

/** Shape of the tool's input. */
export const localLlmInput = z.object({
  prompt: z.string().check(z.minLength(1)),
  task_type: z.optional(z.enum(agentTaskTypes)),
  model: z.optional(z.string()),
  temperature: z.optional(z.number().check(z.gte(0), z.lte(2))),
  paths: z.optional(z.array(z.string())),
});

export type LocalLlmInput = z.infer<typeof localLlmInput>;

/** @param sources the texts of `paths` */
export function askOfAgent(input: LocalLlmInput, sources: readonly Source[]): Ask {
  const kind = input.task_type === undefined ? undefined : kindOfTaskType(input.task_type);
  return {
    text: input.prompt,
    sources,
    history: [],
    ...(kind ? { kind } : {}),
    ...(input.model ? { model: input.model } : {}),
    ...(input.temperature === undefined ? {} : { sampling: { temperature: input.temperature } }),
  };
}
