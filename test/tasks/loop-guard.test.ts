import { describe, expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { cutShort, loopAtEnd, watchAnswer } from "../../src/tasks/loop-guard.ts";

const hasLoop = (text: string) => loopAtEnd(text) !== undefined;

describe("a loop", () => {
  it("is a unit that comes again and again at the end", () => {
    expect(hasLoop(`Some text before. ${"I am a helpful assistant and I will help you. ".repeat(6)}`)).toBe(true);
    expect(hasLoop(`表格如下。${"这个函数返回一个整数，并且会检查参数。".repeat(14)}`)).toBe(true);
    expect(hasLoop(`${"word ".repeat(130)}wo`)).toBe(true);
  });

  it("may count while it goes round", () => {
    const list = Array.from({ length: 14 }, (_, at) => `${181 + at}. Both strategies have their own advantages.\n`);
    expect(hasLoop(list.join(""))).toBe(true);
    expect(hasLoop(list.slice(0, 4).join(""))).toBe(false);
    const figures = Array.from({ length: 200 }, (_, at) => `| ${at} | ${at * 3} |\n`);
    expect(hasLoop(figures.join(""))).toBe(false);
    const log = Array.from(
      { length: 40 },
      (_, at) => `2026-11-${at} 10:0${at % 10} ${"GET PUT".split(" ")[at % 2]} /a/${at * 7}\n`,
    );
    expect(hasLoop(log.join(""))).toBe(false);
  });

  it("is a count without end, in one line or in many, up or down", () => {
    const count = (length: number, sign: string, from = 1, step = 1) =>
      Array.from({ length }, (_, at) => `${from + at * step}${sign}`).join("");
    for (const sign of [". ", ".\n", ") ", ".  \n\n"])
      expect(hasLoop(`Here they are: ${count(900, sign)}`), sign).toBe(true);
    for (const sign of [", ", " | ", "、", "\n"]) {
      expect(hasLoop(`Here they are: ${count(6000, sign)}`), sign).toBe(true);
      expect(loopAtEnd(`Here they are: ${count(6000, sign)}`)?.good).toBe("Here they are: 1");
    }
    expect(hasLoop(`Down: ${count(6000, ", ", 50_000, -5)}`)).toBe(true);
    expect(loopAtEnd(`Rule 7: count. ${count(900, ". ")}90`)?.good).toBe("Rule 7: count. 1");
    // What somebody may have asked for.
    for (const sign of [", ", ",\n  ", "\n", "、", " "]) expect(hasLoop(`[${count(2000, sign)}`), sign).toBe(false);
    const squares = Array.from({ length: 900 }, (_, at) => at * at).join(", ");
    expect(hasLoop(`const squares = [${squares}`)).toBe(false);
    const lines = Array.from({ length: 400 }, (_, at) => `${at + 1}: let a${at} = ${at};\n`).join("");
    expect(hasLoop(lines)).toBe(false);
    expect(hasLoop(Array.from({ length: 500 }, (_, at) => `${at},${(at * 37) % 101},${at % 7}\n`).join(""))).toBe(
      false,
    );
    expect(hasLoop(`${count(900, ". ")}and so on, as you asked.`)).toBe(false);
  });

  it("is the same with other numbers in one line, but not in data", () => {
    const sums = Array.from({ length: 150 }, (_, at) => `${at * 1.33 + 0.67}% of 30 = `).join("");
    expect(hasLoop(`So: ${sums}`)).toBe(true);
    expect(loopAtEnd(`So: ${sums}`)?.good).toMatch(/^So: 0.67% of 30 = \d/);
    expect((loopAtEnd(`So: ${sums}`)?.good ?? "").length).toBeLessThan(sums.length / 2);
    expect(hasLoop(`So: ${sums.slice(0, 700)}`)).toBe(false);
    const rows = Array.from({ length: 200 }, (_, at) => `{"id":${at},"value":${(at * 37) % 101}}`);
    expect(hasLoop(`[${rows.join(",")}`)).toBe(false);
    expect(hasLoop(rows.map((_, at) => `step ${at} took ${at * 3} ms`).join("\n"))).toBe(false);
    expect(hasLoop(rows.map((_, at) => `<td>${at}</td>`).join(""))).toBe(false);
  });

  it("is not what repeats for a good reason", () => {
    expect(hasLoop("")).toBe(false);
    expect(hasLoop("-".repeat(120))).toBe(false);
    expect(hasLoop(`| a | b |\n${"|---".repeat(20)}|\n`)).toBe(false);
    expect(hasLoop(`const zeros = [${"0, ".repeat(100)}`)).toBe(false);
    const rows = Array.from({ length: 60 }, (_, index) => `| row ${index} | value ${index * 7} |`);
    expect(hasLoop(rows.join("\n"))).toBe(false);
  });
});

async function* say(pieces: Iterable<string>, told: { count: number }): AsyncIterable<ModelEvent> {
  for (const text of pieces) {
    told.count++;
    yield { kind: "text", text };
  }
}

describe("a model that repeats itself", () => {
  it("is stopped, told of, and its answer ends there with counted figures", async () => {
    function* endless() {
      yield "Well: ";
      for (;;) yield "It depends on what you want to do with it, of course. ";
    }
    const told = { count: 0 };
    const counted = watchAnswer(
      () => 40,
      () => 1000,
    );
    const events: AnswerEvent[] = [];
    for await (const event of cutShort(say(endless(), told), counted)) events.push(event);
    expect(told.count).toBeLessThan(60);
    expect(counted.cut()).toEqual({
      kind: "loop",
      good: "Well: It depends on what you want to do with it, of course.",
    });
    expect(events.at(-1)).toMatchObject({
      kind: "done",
      finish: "stop",
      stats: { promptTokens: 40, answerTokens: told.count, estimated: true },
    });
  });

  it("loses only what it repeats, also where it counts on", () => {
    const item = (at: number) => `${at}. Always write a test for it\n`;
    const list = Array.from({ length: 14 }, (_, index) => item(index + 3)).join("");
    expect(loopAtEnd(`Rules:\n1. Be brief\n2. Be kind\n${list}`)?.good).toBe(
      "Rules:\n1. Be brief\n2. Be kind\n3. Always write a test for it",
    );
  });

  it("is left alone while it says something new", async () => {
    const told = { count: 0 };
    const pieces = Array.from({ length: 400 }, (_, index) => `sentence number ${index} says ${index * 31}. `);
    const events: AnswerEvent[] = [];
    for await (const event of cutShort(
      say(pieces, told),
      watchAnswer(
        () => 1,
        () => 0,
      ),
    ))
      events.push(event);
    expect(events.every((event) => event.kind === "text")).toBe(true);
    expect(events).toHaveLength(400);
  });
});
