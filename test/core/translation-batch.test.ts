import { describe, expect, it } from "vitest";
import {
  type FoundDocument,
  originalNames,
  planTranslations,
  previewPath,
  translatedPath,
} from "../../src/core/translation-batch.ts";

const found = (path: string, modifiedMs = 1000): FoundDocument => ({ path, sizeBytes: 10, modifiedMs });
const plan = (documents: readonly FoundDocument[], target: "en" | "zh-CN" = "zh-CN") =>
  planTranslations(documents, target).map(({ document, targetPath, state }) => [document.path, targetPath, state]);

describe("where a translation is put", () => {
  it.each([
    ["docs/guide.md", "zh-CN", "docs/guide.zh-CN.md"],
    ["docs/guide.en.md", "zh-CN", "docs/guide.zh-CN.md"],
    ["docs/guide.zh-cn.md", "en", "docs/guide.en.md"],
    ["docs.d/LICENSE", "en", "docs.d/LICENSE.en"],
    ["docs/v1.2/notes", "zh-CN", "docs/v1.2/notes.zh-CN"],
    ["C:\\docs.x\\notes", "en", "C:\\docs.x\\notes.en"],
    ["a.tar.gz", "en", "a.tar.en.gz"],
  ] as const)("%s in %s is %s", (path, target, expected) => {
    expect(translatedPath(path, target)).toBe(expected);
  });
});

describe("the name of a preview", () => {
  it("says where its part begins, and is still one of a translation of the original", () => {
    const names = [previewPath("docs/guide.md", "zh-CN"), previewPath("docs/guide.md", "zh-CN", 12, 5)];
    expect(names).toEqual(["docs/guide.zh-CN.md", "docs/guide.zh-CN (12:5).md"]);
    for (const name of names) expect(originalNames(name)).toContain("docs/guide.md");
    expect(previewPath("LICENSE", "en", 1)).toBe("LICENSE.en (1:1)");
    expect(originalNames("LICENSE.en (1:1)")).toContain("LICENSE");
  });
});

describe("which documents of many are due", () => {
  it("new ones, and those that changed since they were translated", () => {
    const documents = [
      found("a.md"),
      found("b.md", 2000),
      found("b.zh-CN.md", 1500),
      found("c.md"),
      found("c.zh-CN.md"),
    ];
    expect(plan(documents)).toEqual([
      ["a.md", "a.zh-CN.md", "new"],
      ["b.md", "b.zh-CN.md", "outdated"],
      ["c.md", "c.zh-CN.md", "current"],
    ]);
  });

  it("not what is a translation itself, in any language", () => {
    expect(plan([found("a.md"), found("a.en.md")])).toEqual([["a.md", "a.zh-CN.md", "new"]]);
    expect(plan([found("a.md"), found("a.zh-CN.md")], "en")).toEqual([["a.md", "a.en.md", "new"]]);
  });

  it("of two that both name their language, the one in the other language", () => {
    expect(plan([found("a.en.md", 2000), found("a.zh-CN.md")])).toEqual([["a.en.md", "a.zh-CN.md", "outdated"]]);
    expect(plan([found("a.zh-CN.md")], "en")).toEqual([["a.zh-CN.md", "a.en.md", "new"]]);
    expect(plan([found("a.zh-CN.md")])).toEqual([]);
  });
});
