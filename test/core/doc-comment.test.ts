import { describe, expect, it } from "vitest";
import { commentIn, commentSpot, nameIn } from "../../src/core/doc-comment.ts";

const fence = (code: string, language = "") => `Here it is:\n\n\`\`\`${language}\n${code}\n\`\`\`\n`;

describe("the comment in an answer", () => {
  it("comes without the code that was given again", () => {
    const answer = fence(
      "    /**\n     * Adds.\n     *\n     * @returns the sum\n     */\n    function add() {\n    }",
      "ts",
    );
    expect(commentIn(answer, "typescript")).toEqual(["/**", " * Adds.", " *", " * @returns the sum", " */"]);
    expect(commentIn(fence("/** Adds. */\nadd();"), "javascript")).toEqual(["/** Adds. */"]);
  });

  it("is a docstring in Python, also where the function stands around it", () => {
    const code = 'def total(prices):\n    """Add up.\n\n    Args:\n        prices: in cents.\n    """\n    return 0';
    const docstring = ['"""Add up.', "", "Args:", "    prices: in cents.", '"""'];
    expect(commentIn(fence(code, "python"), "python")).toEqual(docstring);
    expect(commentIn(docstring.join("\n"), "python")).toEqual(docstring);
  });

  it("is a run of lines where the language has it so", () => {
    expect(commentIn(fence("// Mean adds.\n// It does not panic.\nfunc Mean() {}\n// no"), "go")).toEqual([
      "// Mean adds.",
      "// It does not panic.",
    ]);
    expect(commentIn(fence("/// Adds.\n///\n/// # Panics\nfn add() {}"), "rust")).toHaveLength(3);
  });

  it("is none where the answer is code or talk", () => {
    expect(commentIn(fence("print(total([15]))\n# prints: 0.0", "python"), "python")).toBeUndefined();
    expect(commentIn("I cannot see any code.", "typescript")).toBeUndefined();
  });
});

describe("the place of a comment", () => {
  const spot = (code: string, start: number, end: number, language: string) =>
    commentSpot(code.split("\n"), start, end, language);

  it("is right above, as deep as what it documents", () => {
    expect(spot("class A {\n  run() {\n  }\n}", 1, 2, "typescript")).toEqual({ from: 1, to: 1, indent: "  " });
  });

  it("takes the old comment's, and leaves any other comment alone", () => {
    expect(spot("/**\n * Old.\n */\nfunction a() {}", 3, 3, "typescript")).toMatchObject({ from: 0, to: 3 });
    expect(spot("/* licence */\nfunction a() {}", 1, 1, "typescript")).toMatchObject({ from: 1, to: 1 });
    expect(spot("x()\n/// Old.\nfn a() {}", 2, 2, "rust")).toMatchObject({ from: 1, to: 2 });
  });

  it("is under the head in Python, as deep as the body", () => {
    const code = "class A:\n    def run(\n        self,\n    ):\n        return 1";
    expect(spot(code, 1, 4, "python")).toEqual({ from: 4, to: 4, indent: "        " });
    expect(spot('def a():\n    """Old.\n\n    More.\n    """\n    pass', 0, 5, "python")).toMatchObject({
      from: 1,
      to: 5,
    });
    expect(spot('def a():\n    """Old."""\n    pass', 0, 2, "python")).toMatchObject({ from: 1, to: 2 });
  });
});

it("the name of what is documented is read from its first line", () => {
  const heads = [
    "def total(prices, discount=[]):",
    "export async function loadUser(db) {",
    "func (s *Set) Add(x int) {",
    "x = 1",
  ];
  expect(heads.map(nameIn)).toEqual(["total", "loadUser", "Add", "x = 1"]);
});
