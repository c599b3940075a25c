// Calls that a model writes as text instead of making them: read where it is plain what is meant, else left as text.
import { parseJson } from "./parse-json.ts";
import { newCallId, type ToolCall } from "./tool.ts";

export interface ToolText {
  /** What of the text so far is answer for certain; the rest may be a call. */
  push(piece: string): string;
  /** When the model is done: the rest of the text, and the calls in it. */
  end(): { readonly text: string; readonly calls: readonly ToolCall[] };
  /** What was held back, as it is: the model was stopped before it was done. */
  rest(): string;
}

/** How a model's own template writes a call: `prefix` name `paramsPrefix` arguments as JSON `suffix`. */
export interface CallSyntax {
  readonly prefix: string;
  readonly paramsPrefix: string;
  readonly suffix: string;
}

/** What calls begin with wherever they stand. */
const usualOpeners = ["<tool_call>", "<function=", "[TOOL_CALLS]", "<|python_tag|>"];
/** Keys a call may begin with. */
const callKeys = new Set([
  "name",
  "function",
  "type",
  "tool",
  "tool_name",
  "arguments",
  "parameters",
  "id",
  "tool_calls",
]);

/** @param names of the tools that may be called */
export function createToolText(names: ReadonlySet<string>, syntax?: CallSyntax): ToolText {
  const openers = syntax ? [...usualOpeners, syntax.prefix] : usualOpeners;
  let held = "";
  let hasShown = false;
  const show = (end: number): string => {
    const text = held.slice(0, end);
    held = held.slice(end);
    hasShown ||= text.trim() !== "";
    return text;
  };
  return {
    push(piece) {
      held += piece;
      const at = firstOf(held, openers);
      if (at >= 0) return show(at);
      if (!hasShown && mayBeCall(held)) return "";
      return show(held.length - Math.max(0, ...openers.map((opener) => overlap(held, opener))));
    },
    end() {
      const own = syntax ? callsBySyntax(held, names, syntax) : [];
      const { text, calls } = own.length > 0 ? { text: "", calls: own } : readCalls(held, names);
      held = "";
      return { text, calls };
    },
    rest: () => show(held.length),
  };
}

/** Whether an answer that begins so may be a call and nothing else. */
function mayBeCall(text: string): boolean {
  const body = text.trimStart().replace(/^```\w*\s*/, "");
  if (body === "" || body === "`" || body === "``") return true;
  const key = /^\[?\s*\{\s*"(\w+)"/.exec(body)?.[1];
  if (key !== undefined) return callKeys.has(key);
  return /^(?:\[\s*)?(?:\{\s*(?:"\w*)?)?$/.test(body);
}

function readCalls(text: string, names: ReadonlySet<string>): { text: string; calls: readonly ToolCall[] } {
  const whole = { text, calls: [] };
  if (text.trim() === "") return whole;
  const marked = [...text.matchAll(/<tool_call>\s*([\s\S]*?)\s*(?:<\/tool_call>|$)/g)];
  const parts = marked.length > 0 ? marked.map((match) => match[1] ?? "") : [unwrapped(text)];
  const calls = parts.map((part) => callsIn(part, names));
  if (calls.some((each) => each.length === 0)) return whole;
  const last = marked.at(-1);
  return { text: last ? text.slice(last.index + last[0].length).trimStart() : "", calls: calls.flat() };
}

/** Empty where anything that begins as a call is none. */
function callsBySyntax(
  text: string,
  names: ReadonlySet<string>,
  { prefix, paramsPrefix, suffix }: CallSyntax,
): readonly ToolCall[] {
  const [before = "", ...parts] = text.split(prefix);
  if (before.trim() !== "") return [];
  const end = suffix.trim();
  const calls = parts.map((part) => {
    const at = part.indexOf(paramsPrefix.trim());
    const body = at < 0 ? "{}" : part.slice(at + paramsPrefix.trim().length);
    const last = end === "" ? -1 : body.lastIndexOf(end);
    const name = (at < 0 ? part.replace(end, "") : part.slice(0, at)).trim();
    return callOf({ name, arguments: parseJson((last < 0 ? body : body.slice(0, last)).trim() || "{}") }, names);
  });
  return calls.every((call) => call !== undefined) ? calls : [];
}

function unwrapped(text: string): string {
  const body = text.trim().replace(/^\[TOOL_CALLS\]|^<\|python_tag\|>/, "");
  return /^```\w*\s*([\s\S]*?)\s*```$/.exec(body)?.[1] ?? body;
}

/** Empty where anything in it is not a call of one of the tools. */
function callsIn(text: string, names: ReadonlySet<string>): readonly ToolCall[] {
  const tagged = [...text.matchAll(/<function=([^>\s]+)>([\s\S]*?)(?:<\/function>|$)/g)];
  const values =
    tagged.length > 0
      ? tagged.map(([, name, body = ""]) => ({ name, arguments: parametersIn(body) ?? parseJson(body) }))
      : (jsonIn(text) ?? []);
  const calls = values.map((value) => callOf(value, names));
  return calls.every((call) => call !== undefined) ? calls : [];
}

/** Some models write each argument between marks of its own. */
function parametersIn(body: string): object | undefined {
  const found = [...body.matchAll(/<parameter=([^>\s]+)>\n?([\s\S]*?)\n?<\/parameter>/g)];
  if (found.length === 0) return body.trim() === "" ? {} : undefined;
  return Object.fromEntries(found.map(([, name, value = ""]) => [name, parseJson(value) ?? value]));
}

/** One value or several after each other; a bracket too few at the end is put there. */
function jsonIn(text: string): readonly unknown[] | undefined {
  const lines = () => text.split(/\n+|;(?=\s*\{)/).filter((line) => line.trim() !== "");
  for (const candidate of [text, `${text}}`, `${text}}}`]) {
    const value = parseJson(candidate);
    if (value === undefined) continue;
    if (Array.isArray(value)) return value;
    const listed = isRecord(value) ? value["tool_calls"] : undefined;
    return Array.isArray(listed) ? listed : [value];
  }
  const each = lines().map((line) => parseJson(line));
  return each.every((value) => value !== undefined) ? each : undefined;
}

function callOf(value: unknown, names: ReadonlySet<string>): ToolCall | undefined {
  if (!isRecord(value)) return undefined;
  if (isRecord(value["function"])) return callOf(value["function"], names);
  const name = value["name"] ?? value["function"] ?? value["tool"] ?? value["tool_name"];
  if (typeof name !== "string" || !names.has(name)) return undefined;
  const given = value["arguments"] ?? value["parameters"] ?? value["args"] ?? value["input"] ?? {};
  const args = typeof given === "string" ? parseJson(given) : given;
  return isRecord(args) ? { id: newCallId(), name, arguments: args } : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** -1 where none of them is in the text. */
function firstOf(text: string, wanted: readonly string[]): number {
  const found = wanted.map((each) => text.indexOf(each)).filter((at) => at >= 0);
  return found.length === 0 ? -1 : Math.min(...found);
}

/** How many characters at the end of the text begin the mark. */
function overlap(text: string, mark: string): number {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length--) {
    if (text.endsWith(mark.slice(0, length))) return length;
  }
  return 0;
}
