// What OpenAI's chat completions and responses have in common.
import * as z from "zod/mini";
import type { Tool, ToolUse } from "../core/tool.ts";
import { ProxyError } from "./proxy-error.ts";
import { checkedFormat, text } from "./read-body.ts";
import { noSuchTool, toolUseOf, type WantedChoice } from "./tools-of.ts";

export const optional = <Value extends z.ZodMiniType>(value: Value) => z.optional(z.nullable(value));

const parameters = optional(z.looseObject({}));
export const functionSchema = z.object({
  name: z.string().check(z.minLength(1)),
  description: optional(text),
  parameters,
});

/** Chat completions and responses put the name in two places. */
const namedSchema = z.object({
  name: optional(z.string()),
  function: optional(z.object({ name: z.string() })),
  custom: optional(z.object({ name: z.string() })),
});
const nameIn = ({ name, function: made, custom }: z.infer<typeof namedSchema>) => name ?? made?.name ?? custom?.name;
const allowedSchema = z.object({
  mode: optional(z.enum(["auto", "required"])),
  tools: optional(z.array(namedSchema)),
});

export const choiceSchema = optional(
  z.union(
    [
      z.enum(["none", "auto", "required"]),
      z.object({
        type: z.string(),
        ...namedSchema.shape,
        ...allowedSchema.shape,
        allowed_tools: optional(allowedSchema),
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
  if (typeof choice !== "object" || choice?.type !== "allowed_tools") {
    return toolUseOf(tools, choiceOf(choice), isParallel ?? true);
  }
  const { mode, tools: allowed } = choice.allowed_tools ?? choice;
  const names = new Set((allowed ?? []).map(nameIn));
  const left = tools.filter(({ name }) => names.has(name));
  if (left.length < names.size) throw new ProxyError(400, noSuchTool, { field: "tool_choice" });
  return toolUseOf(left, { kind: mode ?? "auto" }, isParallel ?? true);
}

/** @throws ProxyError 400 for what only OpenAI itself could be made to do */
function choiceOf(choice: z.infer<typeof choiceSchema>): WantedChoice {
  if (choice === "none" || choice === "required") return { kind: choice };
  if (choice === "auto" || !choice) return { kind: "auto" };
  const name = nameIn(choice);
  if (name) return { kind: "required", name };
  throw new ProxyError(
    400,
    `tool_choice: “${choice.type.slice(0, 40)}” without a name is nothing that can be called here`,
  );
}

export const jsonSchemaFormat = z.object({ type: z.literal("json_schema"), schema: z.looseObject({}) });

/** Any JSON at all is an object of whatever shape. */
export function formatIn(
  format: { readonly type: string; readonly schema?: object | null | undefined } | null | undefined,
): object | undefined {
  if (!format || format.type === "text") return undefined;
  return format.schema ? checkedFormat(format.schema) : { type: "object" };
}
