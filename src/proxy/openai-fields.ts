// What OpenAI's chat completions and responses have in common.
import * as z from "zod/mini";
import type { Tool, ToolUse } from "../core/tool.ts";
import { checkedFormat, text } from "./read-body.ts";
import { toolUseOf, type WantedChoice } from "./tools-of.ts";

export const optional = <Value extends z.ZodMiniType>(value: Value) => z.optional(z.nullable(value));

const parameters = optional(z.looseObject({}));
export const functionSchema = z.object({
  name: z.string().check(z.minLength(1)),
  description: optional(text),
  parameters,
});

export const choiceSchema = optional(
  z.union(
    [
      z.enum(["none", "auto", "required"]),
      z.object({
        type: z.string(),
        name: z.optional(z.string()),
        function: z.optional(z.object({ name: z.string() })),
      }),
    ],
    "none, auto, required, or a function",
  ),
);

export function toolOf({ name, description, parameters: schema }: z.infer<typeof functionSchema>): Tool {
  return { name, ...(description ? { description } : {}), parameters: schema ?? { type: "object" } };
}

/** @throws ProxyError 400 */
export function toolUseIn(
  tools: readonly Tool[],
  choice: z.infer<typeof choiceSchema>,
  isParallel: boolean | null | undefined,
): ToolUse | undefined {
  return toolUseOf(tools, choiceOf(choice), isParallel ?? true);
}

function choiceOf(choice: z.infer<typeof choiceSchema>): WantedChoice {
  if (choice === "none" || choice === "required") return { kind: choice };
  if (choice === "auto" || !choice) return { kind: "auto" };
  const name = choice.function?.name ?? choice.name;
  return name === undefined ? { kind: "auto" } : { kind: "required", name };
}

/** Whether the model thinks first; undefined: as its task has it. */
export function thinkOf(effort: string | null | undefined): boolean | undefined {
  if (effort === null || effort === undefined) return undefined;
  return effort !== "none" && effort !== "minimal";
}

export const jsonSchemaFormat = z.object({ type: z.literal("json_schema"), schema: z.looseObject({}) });

/** Any JSON at all is an object of whatever shape. */
export function formatIn(
  format: { readonly type: string; readonly schema?: object | undefined } | null | undefined,
): object | undefined {
  if (!format || format.type === "text") return undefined;
  return format.schema ? checkedFormat(format.schema) : { type: "object" };
}
