import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createToolText } from "../../src/core/tool-text.ts";

const names = new Set(["get_weather", "read_file"]);

function read(text: string, cuts: readonly number[] = []) {
  const reader = createToolText(names);
  const ends = [...new Set([...cuts.map((cut) => cut % (text.length + 1)), text.length])].sort((a, b) => a - b);
  let shown = "";
  let at = 0;
  for (const end of ends) {
    shown += reader.push(text.slice(at, end));
    at = end;
  }
  const rest = reader.end();
  return { text: shown + rest.text, calls: rest.calls.map(({ name, arguments: args }) => ({ name, args })) };
}

const paris = { name: "get_weather", args: { city: "Paris" } };

describe("a call that a model writes as text", () => {
  it.each([
    ["plain", '{"name": "get_weather", "arguments": {"city": "Paris"}}'],
    ["with other words for its parts", '{"tool": "get_weather", "parameters": {"city": "Paris"}}'],
    ["with its arguments as text", '{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}'],
    ["as OpenAI has it", '{"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Paris"}}}'],
    ["in a fence", '```json\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n```'],
    ["between the marks of Qwen", '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'],
    ["with the mark at the end missing", '<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}}'],
    ["as Llama has it", '<function=get_weather>{"city": "Paris"}</function>'],
    [
      "with marks around each argument",
      "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>",
    ],
    ["as Mistral has it", '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}}]'],
    ["with a bracket too few", '{"name": "get_weather", "arguments": {"city": "Paris"}'],
  ])("is read: %s", (_, text) => {
    expect(read(text)).toEqual({ text: "", calls: [paris] });
  });

  it("is read after words that come before it, and so are several", () => {
    const two = '<tool_call>{"name":"get_weather","arguments":{"city":"Paris"}}</tool_call>';
    expect(read(`I look.\n${two}\n${two.replace("Paris", "Oslo")}`)).toEqual({
      text: "I look.\n",
      calls: [paris, { name: "get_weather", args: { city: "Oslo" } }],
    });
  });

  it.each([
    ['{"name": "rm_rf", "arguments": {}}'],
    ['{"name": "Bob", "age": 3}'],
    ['{"city": "Paris"}'],
    ['Use {"name": "get_weather", "arguments": {}} for that.'],
    ["<tool_call>no json</tool_call>"],
    ["```ts\nconst a = 1;\n```"],
    ["[1, 2, 3]"],
    ["`get_weather`"],
  ])("is not made of what is none: %s", (text) => {
    expect(read(text)).toEqual({ text, calls: [] });
  });

  it("does not hold back an answer that is JSON of another kind", () => {
    const reader = createToolText(names);
    expect(reader.push('{"city": ')).toBe('{"city": ');
    expect(createToolText(names).push("Hello")).toBe("Hello");
  });

  it("is read the same wherever the text is parted, and no other text loses a character", () => {
    const call = 'So: <tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}}</tool_call>';
    fc.assert(
      fc.property(fc.array(fc.nat(200)), (cuts) => {
        expect(read(call, cuts)).toEqual({ text: "So: ", calls: [paris] });
      }),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."<tool_cal>{}\"'[ab`:") }),
        fc.array(fc.nat(50)),
        (text, cuts) => {
          const got = read(text, cuts);
          expect(got.calls).toEqual([]);
          expect(got.text).toBe(text);
        },
      ),
    );
  });
});
