import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorkbench, type Workbench } from "../harness/workbench.ts";

let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(process.env["SWITCHYARD_VSIX"] ?? "", { locale: "zh-cn" });
}, 300_000);
afterAll(() => workbench.stop());

describe("the packaged extension in Chinese", { timeout: 300_000 }, () => {
  it("has Chinese commands, page and badge", async () => {
    await workbench.openFile("average.ts");
    await workbench.runCommand("Switchyard: 解释所选内容");
    const answer = await workbench.finishedAnswer();
    const badge = await answer.locator(".badge summary").innerText();
    expect(badge).toContain("解释");
    expect(badge).toContain("本机");
    expect(await workbench.chat().locator("#question").getAttribute("placeholder")).toMatch(/[\u4e00-\u9fff]/);
    await workbench.screenshot("chinese");
  });
});
