import { expect, it, vi } from "vitest";
import { createTerminal } from "../../src/cli/terminal.ts";

it("what a server says about itself cannot drive the terminal either", () => {
  const written: string[] = [];
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
  try {
    createTerminal({}, false).note("gpu-box reports an error: \u001b]0;owned\u0007\n  中文");
  } finally {
    write.mockRestore();
  }
  expect(written).toEqual(["gpu-box reports an error: ␛]0;owned␇\n  中文\n"]);
});
