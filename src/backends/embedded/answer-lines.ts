// What a model says, with the calls it makes apart from the text.
import type { ToolCall } from "../../core/tool.ts";
import { createToolText } from "../../core/tool-text.ts";
import type { Generation, Prompt, Runner } from "./runner.ts";

type Line = Readonly<Record<string, unknown>>;

/** The part of a line that holds what is said: it differs between chat and generate. */
export type AnswerLine = (text: string, calls?: readonly ToolCall[]) => Line;

export const chatLine: AnswerLine = (text, calls = []) => ({
  message: { role: "assistant", content: text, ...(calls.length > 0 ? { tool_calls: calls.map(callOf) } : {}) },
});

const callOf = ({ id, name, arguments: args }: ToolCall) => ({ id, function: { name, arguments: args } });

/** Lines of an answer; an answer that was cut has no calls. Returns the figures. */
export async function* answerLines(
  pieces: AsyncGenerator<string, Generation, void>,
  prompt: Prompt,
  runner: Pick<Runner, "callSyntax">,
  answer: AnswerLine,
): AsyncGenerator<Line, Generation, void> {
  const tools = prompt.kind === "chat" ? (prompt.tools ?? []) : [];
  const reader =
    tools.length > 0 ? createToolText(new Set(tools.map((tool) => tool.name)), runner.callSyntax) : undefined;
  for (;;) {
    const next = await pieces.next();
    if (!next.done) {
      const text = reader ? reader.push(next.value) : next.value;
      if (text !== "") yield answer(text);
      continue;
    }
    if (reader) {
      const { text, calls } = next.value.finish === "stop" ? reader.end() : { text: reader.rest(), calls: [] };
      if (text !== "" || calls.length > 0) yield answer(text, calls);
    }
    return next.value;
  }
}

/** All lines as one: the text put together, the calls one after the other. */
export async function joined(lines: AsyncIterable<Line>, answer: AnswerLine): Promise<Line> {
  let text = "";
  const calls: unknown[] = [];
  let last: Line = {};
  for await (const line of lines) {
    const { content, tool_calls: made } = messageIn(line);
    text += String(content ?? line["response"] ?? "");
    if (Array.isArray(made)) calls.push(...made);
    last = line;
  }
  const whole = answer(text);
  return { ...last, ...whole, ...(calls.length > 0 ? { message: { ...messageIn(whole), tool_calls: calls } } : {}) };
}

function messageIn(line: Line): { readonly content?: unknown; readonly tool_calls?: unknown } {
  const message = line["message"];
  return typeof message === "object" && message !== null ? message : {};
}
