// Whether the code of an answer parses. Only languages whose fragments are programs of their own are judged.
import type { AnswerEvent } from "../core/answer.ts";
import { msg } from "../core/message.ts";
import { parseJson } from "../core/parse-json.ts";
import { type Stream, stream, through } from "../core/stream.ts";

export interface BrokenBlock {
  readonly language: string;
  /** Which block of the answer, and which line in it, both from 1. */
  readonly block: number;
  readonly line: number;
}

const fence = /^([ \t]*)(`{3,}|~{3,})([\w+#.-]*)[^\n]*\n([\s\S]*?)^\1\2[ \t]*$/gm;
/** What only hints at code, or shows how it changes or runs, is no program. */
const elision = /^[ \t]*(?:\.\.\.|…|>>> |\$ |@@ |(?:\/\/|#) ?\.\.\.)/m;
/** Longer ones would take longer to parse than anybody waits. */
const maxLength = 60_000;

/** The first block that does not parse. */
export async function brokenBlock(markdown: string): Promise<BrokenBlock | undefined> {
  let block = 0;
  for (const [, , , language = "", code = ""] of markdown.matchAll(fence)) {
    block++;
    if (code.trim() === "" || code.length > maxLength || elision.test(code)) continue;
    const at = await errorIn(language.toLowerCase(), code);
    if (at !== undefined) return { language, block, line: code.slice(0, at).split("\n").length };
  }
  return undefined;
}

/** Where the code stops being of its language; undefined: nowhere, or nobody here knows. */
async function errorIn(language: string, code: string): Promise<number | undefined> {
  switch (language) {
    case "json":
      // With comments it is another language.
      return /\/\/|\/\*/.test(code) || parseJson(code) !== undefined ? undefined : 0;
    case "js":
    case "javascript":
    case "jsx":
    case "mjs":
      return errorOfScript(code, ["jsx", "decorators"]);
    case "ts":
    case "typescript":
      return errorOfScript(code, ["typescript", "decorators"]);
    case "tsx":
      return errorOfScript(code, ["typescript", "jsx", "decorators"]);
    case "py":
    case "python":
      return errorOfPython(code);
    default:
      return undefined;
  }
}

/** Fragments are taken as they stand: with `return`, `await` or `super` outside of what they belong to. */
async function errorOfScript(code: string, plugins: ("typescript" | "jsx" | "decorators")[]) {
  const { parse } = await import("@babel/parser");
  try {
    parse(code, {
      sourceType: "unambiguous",
      allowReturnOutsideFunction: true,
      allowAwaitOutsideFunction: true,
      allowSuperOutsideMethod: true,
      allowNewTargetOutsideFunction: true,
      allowUndeclaredExports: true,
      // What is wrong in its meaning alone, such as a name declared twice, is for others to find.
      errorRecovery: true,
      plugins,
    });
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError && "pos" in error && typeof error.pos === "number" ? error.pos : undefined;
  }
}

/** Sound Python that the grammar does not know: patterns with dots, and a `yield` of nothing. */
const unknownPython = /^[ \t]*case\b.*\w\.\w|\byield[ \t]*(?:\)|$)/m;

async function errorOfPython(code: string): Promise<number | undefined> {
  if (unknownPython.test(code)) return undefined;
  const { parser } = await import("@lezer/python");
  let at: number | undefined;
  parser.parse(code).iterate({
    enter(node) {
      if (at === undefined && node.type.isError) at = node.from;
      return at === undefined;
    },
  });
  return at;
}

/** Passes an answer on; says at its end where its code does not parse. What was cut or stopped is not judged. */
export function withCodeChecked(events: AsyncIterable<AnswerEvent>): Stream<AnswerEvent> {
  return stream((take) => {
    let text = "";
    let isWhole = true;
    return through(events, (event) => {
      if (event.kind === "text") text += event.text;
      if (event.kind === "notice" && event.failed) isWhole = false;
      return event.kind === "done" && event.finish === "stop" && isWhole ? checked(event) : take(event);
    });
    async function checked(end: AnswerEvent): Promise<void> {
      const broken = await brokenBlock(text);
      if (broken) {
        const { language, block, line } = broken;
        const told = msg(
          "The {0} code in block {1} of this answer does not parse (line {2} of it).",
          language,
          block,
          line,
        );
        await take({ kind: "notice", text: told, failed: "code" });
      }
      await take(end);
    }
  });
}
