// What a program lets a model call, and the calls it makes. The program does them; nothing of them runs here.
export interface Tool {
  readonly name: string;
  readonly description?: string;
  /** JSON schema of the arguments. */
  readonly parameters: object;
}

export interface ToolCall {
  /** By which the result is told; new for each call. */
  readonly id: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Whether the model has to call something. `required` with a name: that one. */
export type ToolChoice = { readonly kind: "auto" } | { readonly kind: "required"; readonly name?: string };

/** Tools and how they are to be used; at most one call an answer unless `isParallel`. */
export interface ToolUse {
  readonly tools: readonly Tool[];
  readonly choice: ToolChoice;
  readonly isParallel: boolean;
}

/** The tools that may be called with this choice. */
export function callableTools({ tools, choice }: ToolUse): readonly Tool[] {
  const name = choice.kind === "required" ? choice.name : undefined;
  return name === undefined ? tools : tools.filter((tool) => tool.name === name);
}

/** A call in the form of which every value is allowed: what a model that has to call writes, grammar permitting. */
export function callSchema(use: ToolUse): object {
  const calls = callableTools(use).map(({ name, parameters }) => ({
    type: "object",
    properties: { name: { enum: [name] }, arguments: { type: "object", ...parameters } },
    required: ["name", "arguments"],
    additionalProperties: false,
  }));
  return calls.length === 1 ? (calls[0] ?? {}) : { oneOf: calls };
}

/** Told last: at the beginning it would change what was read before of the conversation. Goes with `callSchema`. */
export function askForCall(use: ToolUse): { readonly role: "system"; readonly content: string } {
  const tools = callableTools(use).map(({ name, description, parameters }) =>
    JSON.stringify({ name, ...(description ? { description } : {}), parameters }),
  );
  return {
    role: "system",
    content: [
      "Call one of these functions now. Write only the call, as JSON with “name” and “arguments”:",
      ...tools,
    ].join("\n"),
  };
}

export function newCallId(): string {
  return `call_${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}`;
}
