// Every text in a request that leaves: what people and models said, and what stands in calls of tools, in their schemas and in the
// form that is asked for.
import type { ModelRequest } from "../core/backend.ts";

/** In the order in which `withTexts` takes them. */
export function textsOf(request: ModelRequest): readonly string[] {
  const texts: string[] = [];
  withEachText(request, (text) => {
    texts.push(text);
    return text;
  });
  return texts;
}

export function withTexts(request: ModelRequest, texts: readonly string[]): ModelRequest {
  let at = 0;
  return withEachText(request, (text) => texts[at++] ?? text);
}

function withEachText(request: ModelRequest, change: (text: string) => string): ModelRequest {
  const messages = request.messages.map((message) => ({
    ...message,
    content: change(message.content),
    ...(message.thinking === undefined ? {} : { thinking: change(message.thinking) }),
    ...(message.toolCalls
      ? { toolCalls: message.toolCalls.map((call) => ({ ...call, arguments: mapTexts(call.arguments, change) })) }
      : {}),
  }));
  const { toolUse, format } = request;
  const rest = { ...request, messages, ...(format ? { format: mapTexts(format, change) } : {}) };
  if (!toolUse) return rest;
  // Names stay: calls are made by them.
  const tools = toolUse.tools.map((tool) => ({
    ...tool,
    ...(tool.description === undefined ? {} : { description: change(tool.description) }),
    parameters: mapTexts(tool.parameters, change),
  }));
  return { ...rest, toolUse: { ...toolUse, tools } };
}

/** The same value with every string in it changed; keys stay. */
export function mapTexts<T extends object>(value: T, change: (text: string) => string): T {
  const map = (each: unknown): unknown => {
    if (typeof each === "string") return change(each);
    if (Array.isArray(each)) return each.map(map);
    if (typeof each !== "object" || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, map(inner)]));
  };
  // Of the same shape as what was given: only strings were changed, into strings.
  return map(value) as T;
}
