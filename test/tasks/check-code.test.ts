import { describe, expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import { brokenBlock, withCodeChecked } from "../../src/tasks/check-code.ts";

const block = (language: string, code: string) => `Here it is:\n\n\`\`\`${language}\n${code}\n\`\`\`\n`;
const stats = { promptTokens: 1, answerTokens: 1, loadMs: 0, prefillMs: 0, decodeMs: 0 };

async function* answer(text: string, ...more: AnswerEvent[]): AsyncIterable<AnswerEvent> {
  yield { kind: "text", text };
  yield* more;
  yield { kind: "done", stats, finish: "stop" };
}

async function failures(events: AsyncIterable<AnswerEvent>) {
  const found: unknown[] = [];
  for await (const event of withCodeChecked(events)) if (event.kind === "notice") found.push(event.failed);
  return found;
}

describe("the code of an answer", () => {
  it.each([
    ["ts", "const a: number = (1 + 2;\nconsole.log(a);"],
    ["js", "function f() {\n  return 1;\n"],
    ["tsx", "const x = <div>;"],
    ["python", "def f(a:\n    return a"],
    ["json", '{"a": 1,}'],
  ])("that does not parse is found, in %s", async (language, code) => {
    expect(await brokenBlock(block(language, code))).toMatchObject({ language, block: 1 });
  });

  it("is told with its block and line, once, before the end", async () => {
    const text = block("ts", "let a = 1;") + block("ts", "let b = 2;\nlet = = 3;\n");
    expect(await brokenBlock(text)).toEqual({ language: "ts", block: 2, line: 2 });
    expect(await failures(answer(text))).toEqual(["code"]);
  });

  it.each([
    ["ts", "type A<T> = { readonly [K in keyof T]: T[K] };\nconst a = <T,>(x: T): T => x;\nawait f(...rest);"],
    ["ts", "@Injectable()\nexport class A { #x = 1; static { } }\nlet v = a satisfies B as const;"],
    ["js", "const view = <A b={1}>text</A>;\nfor await (const x of y) z[0] ??= x?.y;"],
    ["jsx", "return <p>only a fragment</p>;"],
    [
      "python",
      "async def f(a: int, /, *, b=1) -> int:\n    match a:\n        case 1: return f'{a!r}'\n    return (n := a)",
    ],
    ["python", "x = [i for i in range(3) if i]\nwith open('f') as f, g() as h:\n    pass"],
    ["python", "def f():\n    yield\nmatch x:\n    case ast.Name(): pass"],
    ["json", '{"a": [1, 2, {"b": null}]}'],
    ["json", '{\n  // a comment\n  "a": 1\n}'],
    ["ts", "function f() {\n  ...\n}"],
    ["python", ">>> f(1\n2"],
    ["rust", "fn main( {"],
    ["", "not (code at all"],
  ])("that is sound, or not for us to judge, is let be: %s %s", async (language, code) => {
    expect(await brokenBlock(block(language, code))).toBeUndefined();
  });

  it("of an answer that was stopped for something else is not judged as well", async () => {
    const notice: AnswerEvent = { kind: "notice", text: { template: "x", args: [] }, failed: "repetition" };
    expect(await failures(answer(block("json", "{"), notice))).toEqual(["repetition"]);
  });
});
