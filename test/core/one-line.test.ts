import { expect, it } from "vitest";
import { fitsOneLine } from "../../src/core/one-line.ts";

it("a message that the editor would cut is told from one that stands in a line, in Chinese as well", () => {
  expect(fitsOneLine("You are asked again before anything is sent.")).toBe(true);
  expect(fitsOneLine("Claude is connected. Complex reasoning is offered to it; you are asked each time.")).toBe(false);
  expect(fitsOneLine("没有发现问题。")).toBe(true);
  expect(fitsOneLine("已连接 Claude。复杂推理会建议由它处理；每次发送任何内容之前都会询问您。")).toBe(false);
});
