// Code in an answer: its language, buttons, and lines that are added without drawing the others again.
import type { CodeAction } from "../core/page-protocol.ts";
import { button, element } from "./element.ts";
import { showHidden, visible } from "./hidden-characters.ts";
import type { Highlight } from "./highlight.ts";
import type { Strings } from "./strings.ts";

export interface CodeBlocks {
  readonly strings: Strings;
  readonly highlight: Highlight;
  /** Runs the work when nothing is more urgent. */
  readonly whenIdle: (work: () => void) => void;
  readonly run: (action: CodeAction, code: string, language: string) => void;
  /** Gives finished `<pre>` elements their colours and buttons. */
  dress(root: DocumentFragment | HTMLElement): void;
}

export function createCodeBlocks(parts: Omit<CodeBlocks, "dress" | "whenIdle">): CodeBlocks {
  const blocks: CodeBlocks = {
    ...parts,
    whenIdle: "requestIdleCallback" in window ? (work) => requestIdleCallback(work) : (work) => setTimeout(work),
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
  for (const line of code.split("\n")) block.addLine(line);
  block.close();
  return block.element;
}

/** Long code is laid out and coloured in pieces, so that a new line costs its piece alone. */
const pieceLength = 2000;
/** Code up to this length is coloured as a whole, so that a comment over many lines is seen as one. */
const wholeLength = 4000;
/** Of a line that is still being written no more is shown. */
const openLineLength = 1000;

interface Piece {
  readonly element: HTMLElement;
  code: string;
}

export interface OpenCodeBlock {
  readonly element: HTMLElement;
  addLine(line: string): void;
  /** Shows the line that is still being written; the next call of any kind replaces it. */
  showOpenLine(line: string): void;
  /** Colours it and gives it its buttons: half a block is not to be copied. */
  close(): void;
}

export function openCodeBlock(language: string, blocks: CodeBlocks): OpenCodeBlock {
  const { t } = blocks.strings;
  const code = element("code", {});
  // Scrolled sideways by keyboard, too.
  const pre = element(
    "pre",
    { tabindex: "0", role: "group", "aria-label": t("Code: {0}", language || t("text")) },
    code,
  );
  const actions = element("div", { class: "code-actions" });
  const head = element("div", { class: "code-head" }, element("span", { class: "code-language" }, language), actions);
  const pieces: Piece[] = [];
  const openLine = element("span", {});

  return {
    element: element("div", { class: "code-block" }, head, pre),
    addLine(line) {
      openLine.remove();
      const last = pieces.at(-1);
      if (last) append(last, "\n");
      const isFull = last === undefined || (last.code.length > pieceLength && !/^[\s)\]}]/.test(line));
      const piece = isFull ? { element: element("span", { class: "code-piece" }), code: "" } : last;
      append(piece, line);
      if (!isFull) return;
      pieces.push(piece);
      code.append(piece.element);
    },
    showOpenLine(line) {
      openLine.replaceChildren(...visible(line.slice(0, openLineLength)));
      if (line === "") openLine.remove();
      else code.append(openLine);
    },
    close() {
      openLine.remove();
      const text = pieces.map((piece) => piece.code).join("");
      color(pieces, code, text, language, blocks);
      actions.append(...actionButtons(text, language, blocks));
    },
  };
}

function append(piece: Piece, text: string): void {
  piece.code += text;
  piece.element.append(...visible(text));
}

function color(pieces: readonly Piece[], code: HTMLElement, text: string, language: string, blocks: CodeBlocks): void {
  const paint = (place: HTMLElement, part: string) => {
    const colored = blocks.highlight(part, language);
    if (!colored) return;
    showHidden(colored);
    place.replaceChildren(colored);
  };
  if (text.length <= wholeLength) return paint(code, text);
  for (const piece of pieces) blocks.whenIdle(() => paint(piece.element, piece.code));
}

function actionButtons(text: string, language: string, { strings, run }: CodeBlocks): readonly HTMLElement[] {
  const { t } = strings;
  const act = (action: CodeAction) => () => run(action, text, language);
  return [
    button("copy", t("Copy code"), act("copy")),
    button("insert", t("Insert at cursor"), act("insert")),
    button("diff", t("Apply as a change"), act("diff")),
  ];
}
