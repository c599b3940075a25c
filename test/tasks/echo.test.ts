import { expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import { createEcho, withoutEcho } from "../../src/tasks/echo.ts";

const rules = [
  "You explain code. Be concrete, name the identifiers, invent nothing.",
  "请用简体中文逐步解释这段代码的作用。",
];
const stats = { promptTokens: 1, answerTokens: 1, loadMs: 0, prefillMs: 1, decodeMs: 1 };

async function* said(text: string, size: number): AsyncIterable<AnswerEvent> {
  for (let at = 0; at < text.length; at += size) yield { kind: "text", text: text.slice(at, at + size) };
  yield { kind: "done", stats, finish: "stop" };
}

async function shown(text: string, size: number) {
  let answer = "";
  const kinds: string[] = [];
  for await (const event of withoutEcho(said(text, size), rules)) {
    if (event.kind === "text") answer += event.text;
    else kinds.push(event.kind);
  }
  return { answer, kinds };
}

const sizes = [1, 3, 11, 1000];

it("an answer that says the instructions back is left out, and it is said", async () => {
  const echo = "Be concrete, name the identifiers, invent nothing!\n\n请用简体中文逐步解释这段代码的作用。";
  for (const size of sizes) expect(await shown(echo, size)).toEqual({ answer: "", kinds: ["notice", "done"] });
});

it("what stands around the instructions is shown as it came", async () => {
  const text = "Be concrete, name the identifiers, invent nothing.\n\nThe loop adds up `xs`.\n\n- a\n- b: 3.14\n";
  for (const size of sizes)
    expect(await shown(text, size)).toEqual({ answer: "The loop adds up `xs`.\n\n- a\n- b: 3.14\n", kinds: ["done"] });
});

it("any other answer passes to the byte, in every split", async () => {
  const text = "You explain code well.\n\n```py\nx = 1.0\n```\n\nBe concrete, name it. 请用简体中文。 Ends here";
  for (const size of sizes) expect(await shown(text, size)).toEqual({ answer: text, kinds: ["done"] });
});

it("words that stand in the instructions by chance are no echo", () => {
  const echo = createEcho(rules);
  expect(echo.isEcho("name the")).toBe(false);
  expect(echo.isEcho("Be concrete, name the identifiers")).toBe(true);
  expect(echo.isEcho("Be concrete, name the identifiers. Line 3 leaks.")).toBe(false);
});

it("a long sentence that only ends in other words is an echo", () => {
  const echo = createEcho(["Each call leaves one more file open; after many of them no file can be opened any more."]);
  expect(
    echo.isEcho("Each call leaves one more file open; after many of them no file can be opened any further."),
  ).toBe(true);
  expect(echo.isEcho("Each call leaves one more file open; then `parse` throws and nobody closes them.")).toBe(false);
});

it("what was held back is shown when the answer breaks off", async () => {
  async function* broken(): AsyncIterable<AnswerEvent> {
    yield { kind: "text", text: "Be concrete, name" };
    throw new Error("gone");
  }
  let answer = "";
  const read = async () => {
    for await (const event of withoutEcho(broken(), rules)) if (event.kind === "text") answer += event.text;
  };
  await expect(read()).rejects.toThrow("gone");
  expect(answer).toBe("Be concrete, name");
});
