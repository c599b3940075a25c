import { describe, expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import type { Ask } from "../../src/core/task.ts";
import { beforeDrift, judgeLanguage, requiredLanguage, untilWrongLanguage } from "../../src/tasks/language-guard.ts";

const chinese = "这个函数计算平均值，然后返回结果，空数组时返回零，否则会出错。";
const english = "This function computes the mean of the numbers it is given and returns it to whoever asked for it. ";

describe("the language of an answer", () => {
  it("is judged by its script, as soon as that is clear", () => {
    expect(judgeLanguage("这个函数", "zh-CN")).toBe("right");
    expect(judgeLanguage("The `mean`", "zh-CN")).toBe("open");
    expect(judgeLanguage(english.repeat(2), "zh-CN")).toBe("wrong");
    expect(judgeLanguage("This function computes the mean", "en")).toBe("right");
    expect(judgeLanguage(chinese, "en")).toBe("wrong");
    expect(judgeLanguage("“平均值” means average, and this one explains it", "en")).toBe("right");
  });

  it("does not count what is code", () => {
    expect(judgeLanguage("```ts\nconst a = 1;\n```", "zh-CN")).toBe("right");
    expect(judgeLanguage(`\`${"identifier".repeat(20)}\` 是`, "zh-CN")).toBe("open");
  });

  it("is that of the question, unless it is about languages or in another one", () => {
    const asking = (text: string): Ask => ({ text, sources: [], history: [] });
    expect(requiredLanguage(asking("解释这个函数"), "zh-CN")).toBe("zh-CN");
    expect(requiredLanguage(asking("explain this"), "en")).toBe("en");
    expect(requiredLanguage(asking("Say hello in Chinese"), "en")).toBeUndefined();
    expect(requiredLanguage(asking("用英文写一封邮件"), "zh-CN")).toBeUndefined();
    expect(requiredLanguage(asking("この関数を説明してください"), "en")).toBeUndefined();
    const before: Ask = { ...asking("and now?"), history: [{ role: "user", text: "Always answer in French" }] };
    expect(requiredLanguage(before, "en")).toBeUndefined();
  });
});

async function* pieces(text: string): AsyncIterable<AnswerEvent> {
  for (const piece of text) yield { kind: "text", text: piece };
}

describe("an answer", () => {
  const read = async (text: string, wanted: "en" | "zh-CN") => {
    const watched = { isWrong: false };
    let [shown, firstAt, seen] = ["", 0, 0];
    const counted = async function* () {
      for await (const event of pieces(text)) {
        seen++;
        yield event;
      }
    };
    for await (const event of untilWrongLanguage(counted(), wanted, watched)) {
      if (event.kind !== "text") continue;
      firstAt ||= seen;
      shown += event.text;
    }
    return { shown, firstAt, isWrong: watched.isWrong };
  };

  it("tells that it is being written while its words are held back, and no longer than that", async () => {
    const told: string[] = [];
    for await (const event of untilWrongLanguage(pieces(`${english.slice(0, 40)}这个函数计算平均值`), "zh-CN", {
      isWrong: false,
    }))
      told.push(event.kind === "writing" ? `writing ${event.answerTokens}` : event.kind);
    const writing = [8, 16, 24, 32, 40].map((tokens) => `writing ${tokens}`);
    expect(told).toEqual([...writing, ...Array.from({ length: 49 }, () => "text")]);
  });

  it("in the right language is passed on whole after a few words", async () => {
    const { shown, firstAt, isWrong } = await read(english, "en");
    expect(shown).toBe(english);
    expect(firstAt).toBeLessThan(35);
    expect(isWrong).toBe(false);
  });

  it("in the wrong language is not shown at all", async () => {
    expect(await read(chinese, "en")).toEqual({ shown: "", firstAt: 0, isWrong: true });
  });
});

describe("an answer that goes over to the other script", () => {
  const english = "The function reads the file line by line and keeps a running total of what it has seen so far. ";
  const chinese = "这个函数逐行读取文件，并累计目前为止看到的内容，最后返回结果给调用方使用。";

  it("keeps what it had said before", () => {
    expect(beforeDrift(chinese.repeat(3) + english.repeat(7), "zh-CN")).toMatch(
      /^(这个函数.*方使用。){3}(The .* far\.)?$/,
    );
    expect(beforeDrift(english.repeat(3) + chinese.repeat(16), "en")).toContain("seen so far.");
  });

  it("is another matter than terms, code and quotations in it", () => {
    expect(beforeDrift(`${chinese}\n\`\`\`js\n${english.repeat(8)}`, "zh-CN")).toBeUndefined();
    expect(beforeDrift(`${chinese}\n\`\`\`js\n${english.repeat(8)}\n\`\`\`\n${chinese}`, "zh-CN")).toBeUndefined();
    expect(beforeDrift(`${chinese} async function, HTTP, JSON。`.repeat(12), "zh-CN")).toBeUndefined();
    expect(beforeDrift(english.repeat(12), "en")).toBeUndefined();
  });
});
