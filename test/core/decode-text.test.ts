import { describe, expect, it } from "vitest";
import { decodeText } from "../../src/core/decode-text.ts";

const bytes = (...numbers: readonly number[]) => new Uint8Array(numbers);
const utf8 = (text: string) => new TextEncoder().encode(text);

describe("the text of a file", () => {
  it("is read as UTF-8, without the mark at its beginning", () => {
    expect(decodeText(utf8("naïve 世界\r\n"))).toEqual({ text: "naïve 世界\r\n" });
    expect(decodeText(bytes(0xef, 0xbb, 0xbf, 0x2d, 0x2d, 0x2d))).toEqual({ text: "---" });
    expect(decodeText(bytes())).toEqual({ text: "" });
  });

  it("is read as GB18030 where it is Chinese, and as Windows-1252 where it is western", () => {
    const gbk = bytes(0x23, 0x20, 0xc4, 0xe3, 0xba, 0xc3, 0xa3, 0xac, 0xca, 0xc0, 0xbd, 0xe7, 0xa1, 0xa3, 0x0a);
    expect(decodeText(gbk)).toEqual({ text: "# 你好，世界。\n", encoding: "GB18030" });
    const latin = Buffer.from("// d\u00e9tail de l'\u00e9t\u00e9, \u00a9 Zo\u00eb\n", "latin1");
    expect(decodeText(latin)).toEqual({ text: "// détail de l'été, © Zoë\n", encoding: "Windows-1252" });
  });

  it("is read as UTF-16 where its mark says so, as PowerShell writes it", () => {
    const little = bytes(0xff, 0xfe, 0x61, 0x00, 0x16, 0x4e);
    expect(decodeText(little)).toEqual({ text: "a世", encoding: "UTF-16" });
    expect(decodeText(bytes(0xfe, 0xff, 0x00, 0x61, 0x4e, 0x16))).toEqual({ text: "a世", encoding: "UTF-16" });
  });

  it("is none where bytes are zero, or where most are in no encoding that is known here", () => {
    expect(decodeText(bytes(0x7f, 0x45, 0x4c, 0x46, 0x00, 0x01))).toBeUndefined();
    expect(decodeText(bytes(0x81, 0x40, 0x90, 0xff, 0x85, 0x41))).toBeUndefined();
  });
});
