// Code in an answer: its language, buttons, and lines that are added without drawing the others again.
import type { CodeAction } from "../core/page-protocol.ts";
import { button, element } from "./element.ts";
import type { Highlight } from "./highlight.ts";
import { sanitized } from "./markdown.ts";
import type { Strings } from "./strings.ts";

export interface CodeBlocks {
  readonly strings: Strings;
  readonly highlight: Highlight;
  readonly run: (action: CodeAction, code: string, language: string) => void;
  /** Gives finished `<pre>` elements their colours and buttons. */
  dress(root: DocumentFragment | HTMLElement): void;
}

export function createCodeBlocks(parts: Omit<CodeBlocks, "dress">): CodeBlocks {
  const blocks: CodeBlocks = {
    ...parts,
    dress(root) {
      for (const pre of root.querySelectorAll("pre")) {
        const code = pre.textContent ?? "";
        pre.replaceWith(finished(code.replace(/\n$/, ""), pre.getAttribute("data-language") ?? "", blocks));
      }
    },
  };
  return blocks;
}

function finished(code: string, language: string, blocks: CodeBlocks): HTMLElement {
  const block = openCodeBlock(language, blocks);
  block.addLine(code);
  block.close();
  return block.element;
}

/** Long code is laid out in pieces, so that a new line costs that piece alone. */
const pieceLength = 2000;

export function openCodeBlock(language: string, { strings, highlight, run }: CodeBlocks) {
  const { t } = strings;
  const code = element("code", {});
  // Scrolled sideways by keyboard, too.
  const pre = element(
    "pre",
    { tabindex: "0", role: "group", "aria-label": t("Code: {0}", language || t("text")) },
    code,
  );
  const actions = element("div", { class: "code-actions" });
  const head = element("div", { class: "code-head" }, element("span", { class: "code-language" }, language), actions);
  const block = element("div", { class: "code-block" }, head, pre);
  let all: string | undefined;
  let piece: HTMLElement | undefined;
  let pieceSize = 0;

  return {
    element: block,
    addLine(line: string): void {
      all = all === undefined ? line : `${all}\n${line}`;
      if (!piece || pieceSize > pieceLength) {
        piece = element("span", { class: "code-piece" }, line);
        pieceSize = 0;
        code.append(piece);
      } else piece.append(`\n${line}`);
      pieceSize += line.length;
    },
    /** Colours it and gives it its buttons: half a block is not to be copied. */
    close(): void {
      const text = all ?? "";
      const html = highlight(text, language);
      code.replaceChildren(html === undefined ? text : sanitized(html));
      const act = (action: CodeAction) => () => run(action, text, language);
      actions.append(
        button("copy", t("Copy code"), act("copy")),
        button("insert", t("Insert at cursor"), act("insert")),
        button("diff", t("Apply as a change"), act("diff")),
      );
    },
  };
}
