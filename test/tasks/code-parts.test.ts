import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { translationTarget } from "../../src/core/translation-target.ts";
import { splitCode } from "../../src/tasks/code-parts.ts";

const proseOf = (text: string, languageId: string) =>
  splitCode(text, languageId)?.flatMap((part) => (part.kind === "translate" ? [part.text] : []));

describe("source code that is translated", () => {
  it("gives up the prose of its comments and keeps everything else", () => {
    const text = [
      "/**",
      " * Gives the mean of the numbers.",
      " * @param {number[]} values - the numbers to add up",
      " */",
      "export function mean(values) { // never empty",
      '  return "// not a comment";',
      "}",
    ].join("\n");
    expect(proseOf(text, "javascript")).toEqual([
      "Gives the mean of the numbers.",
      "the numbers to add up",
      "never empty",
    ]);
  });

  it("knows the comments of other languages, and docstrings", () => {
    expect(proseOf('# 计算平均值\ndef mean(xs):\n    """返回平均值。"""\n    return "字符串"\n', "python")).toEqual([
      "计算平均值",
      "返回平均值。",
    ]);
    expect(proseOf("-- 用户表\nSELECT '名字' FROM users;", "sql")).toEqual(["用户表"]);
    expect(proseOf("<p>text</p><!-- remember this -->", "html")).toEqual(["remember this"]);
  });

  it("leaves directives to tools alone", () => {
    expect(proseOf("// eslint-disable-next-line no-console\n// A real remark.\nrun();\n#!x", "typescript")).toEqual([
      "A real remark.",
    ]);
  });

  it("is the same again when its parts are joined, for every file of this project", () => {
    const files = globSync("{src,test,scripts}/**/*.ts").slice(0, 150);
    expect(files.length).toBeGreaterThan(100);
    for (const file of files) {
      const text = readFileSync(file, "utf8");
      const parts = splitCode(text, "typescript");
      if (!parts) continue;
      expect(parts.map((part) => (part.kind === "keep" ? part.text : part.original)).join(""), file).toBe(text);
    }
  });

  it("of an unknown language is left to others", () => {
    expect(splitCode("anything", "no-such-language")).toBeUndefined();
    expect(splitCode("const a = 1;", "typescript")).toEqual([{ kind: "keep", text: "const a = 1;" }]);
  });
});

it("code with Chinese comments goes into English, although most of its letters are names", () => {
  const chinese =
    "// 计算平均值，空数组时返回零\nexport function calculateAverage(values: readonly number[]): number { return 0; }";
  expect(translationTarget({ text: chinese, languageId: "typescript" })).toBe("en");
  expect(translationTarget({ text: "// the mean\nconst mean = 1;", languageId: "typescript" })).toBe("zh-CN");
  expect(translationTarget({ text: "运行它。", languageId: "markdown" })).toBe("en");
});
