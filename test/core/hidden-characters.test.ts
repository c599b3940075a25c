import { expect, it } from "vitest";
import { plainForTerminal, revealHidden, withoutLinks } from "../../src/core/hidden-characters.ts";

it("characters that turn text around or take no width are named, those of an emoji stay", () => {
  expect(revealHidden("pay\u202e321\u202c zero\u200bwidth")).toBe("payU+202E321U+202C zeroU+200Bwidth");
  expect(revealHidden("family 👨‍👩‍👧, 中文, é")).toBe("family 👨‍👩‍👧, 中文, é");
});

it("an answer cannot drive the terminal it is written to", () => {
  const attack = "a\u001b[2J\u001b]0;owned\u0007b\rc\u009bd\u007f";
  expect(plainForTerminal(attack)).toBe("a␛[2J␛]0;owned␇b␍cU+009Bd␡");
  expect(plainForTerminal("one\r\ntwo\n\tthree 中文")).toBe("one\ntwo\n\tthree 中文");
});

it("what a server says cannot put a link that runs a command into a notification", () => {
  expect(withoutLinks("[repair](command:x) and [see](https://a.b) [3] (of 4)")).toBe(
    "[repair] (command:x) and [see] (https://a.b) [3] (of 4)",
  );
});
