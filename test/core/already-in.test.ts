import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isAlreadyIn } from "../../src/core/already-in.ts";

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const markdown = (text: string) => ({ text, languageId: "markdown" });
const english =
  "The service listens on a port of this machine, and it answers what you ask. When there is no model yet, it says so, and tells you what to do about that.";
const chinese =
  "这个服务在本机的一个端口上监听，并回答您的问题。还没有模型时，它会说明这一点，并告诉您应该怎样做，然后继续等待新的请求。";

describe("a text that need not be translated", () => {
  it("is one that is clearly in the language already, whatever code and names are in it", () => {
    expect(isAlreadyIn(markdown(english), "en")).toBe(true);
    expect(
      isAlreadyIn(markdown(`# Title\n\n${english}\n\n\`\`\`sh\necho 你好\n\`\`\`\n\nSee [it](./文档.md).`), "en"),
    ).toBe(true);
    expect(isAlreadyIn({ text: chinese }, "zh-CN")).toBe(true);
    expect(isAlreadyIn(markdown(read("README.md")), "zh-CN")).toBe(false);
    expect(isAlreadyIn(markdown(read("README.zh-CN.md")), "en")).toBe(false);
    expect(isAlreadyIn(markdown(read("README.zh-CN.md")), "zh-CN")).toBe(true);
  });

  it.each([
    ["Run it now.", "en"],
    ["运行。", "zh-CN"],
    [chinese, "en"],
    [english, "zh-CN"],
    [`${english}\n\n这里还有一句中文。`, "en"],
    [`${chinese}\n\n${english}`, "zh-CN"],
    [
      "Der Dienst wartet an einem Port dieser Maschine und antwortet auf das, was man ihn fragt. Wenn noch kein Modell da ist, sagt er es, und was man dann tun kann.",
      "en",
    ],
    [
      "Le service attend sur un port de cette machine et répond à ce que vous demandez. Quand il n'y a pas encore de modèle, il le dit, et ce que vous pouvez faire.",
      "en",
    ],
    [
      "De dienst wacht op een poort van deze machine en antwoordt op wat je vraagt. Als er nog geen model is, zegt hij dat, en wat je er dan aan kunt doen in dit geval.",
      "en",
    ],
    [
      `${english} ${english}\n\nDer Dienst wartet hier an einem Port dieser Maschine und antwortet auf alles, was man ihn fragt, auch nachts.`,
      "en",
    ],
    [
      "這個服務在本機的一個連接埠上監聽，並回答您的問題。還沒有模型時，它會說明這一點，並告訴您應該怎樣做，然後繼續等待新的請求。",
      "zh-CN",
    ],
    [
      "このサービスは本機の端口で待機し、質問に回答します。模型がまだ無い時は、その事を説明し、次に何をすべきか案内します。",
      "zh-CN",
    ],
  ] as const)("is none that is short, mixed or in another language: %s (%s)", (text, target) => {
    expect(isAlreadyIn(markdown(text), target)).toBe(false);
  });

  it("is no source code, of which only its comments are text", () => {
    expect(isAlreadyIn({ text: `// ${english}\nconst 名 = 1;\n`, languageId: "typescript" }, "en")).toBe(false);
  });
});
