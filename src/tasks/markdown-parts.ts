// Cuts a markdown document into what is translated and what stays as it is, to the byte.
import type { Nodes, Parents, RootContent } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { frontmatterFromMarkdown } from "mdast-util-frontmatter";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { frontmatter } from "micromark-extension-frontmatter";
import { gfm } from "micromark-extension-gfm";
import type { Part } from "./parts.ts";

/** Blocks whose children hold the prose; every other block is kept whole. */
const containers = new Set(["root", "blockquote", "list", "listItem", "table", "tableRow", "footnoteDefinition"]);
const prose = new Set(["paragraph", "heading", "tableCell"]);

/** The parts joined are the document again. */
export function splitMarkdown(markdown: string): readonly Part[] {
  const tree = fromMarkdown(markdown, {
    extensions: [gfm(), frontmatter(["yaml", "toml"])],
    mdastExtensions: [gfmFromMarkdown(), frontmatterFromMarkdown(["yaml", "toml"])],
  });
  const parts: Part[] = [];
  let at = 0;
  for (const node of proseNodes(tree)) {
    const [start, end] = innerRange(node);
    if (start === undefined || end === undefined || start < at || end <= start) continue;
    if (start > at) parts.push({ kind: "keep", text: markdown.slice(at, start) });
    parts.push(hold(markdown, node, start, end));
    at = end;
  }
  if (at < markdown.length) parts.push({ kind: "keep", text: markdown.slice(at) });
  return parts;
}

function* proseNodes(node: Nodes): Iterable<Parents> {
  if (prose.has(node.type) && "children" in node) yield node;
  else if (containers.has(node.type) && "children" in node) for (const child of node.children) yield* proseNodes(child);
}

/** From the first child to the last: without heading signs and cell borders. */
function innerRange(node: Parents): readonly [number | undefined, number | undefined] {
  return [node.children[0]?.position?.start.offset, node.children.at(-1)?.position?.end.offset];
}

/** Replaces what must not change: inline code, HTML, images, bare links whole; of other links the brackets and the target. */
function hold(markdown: string, node: Parents, start: number, end: number): Part {
  const ranges = [...heldRanges(node)].filter(([from, to]) => to > from).sort((a, b) => a[0] - b[0]);
  const held: string[] = [];
  let text = "";
  let at = start;
  for (const [from, to] of ranges) {
    if (from < at) continue;
    held.push(markdown.slice(from, to));
    text += `${markdown.slice(at, from)}⟦${held.length}⟧`;
    at = to;
  }
  text += markdown.slice(at, end);
  const original = markdown.slice(start, end);
  const hasWords = /\p{L}/u.test(text.replace(/⟦\d+⟧/g, ""));
  return hasWords ? { kind: "translate", original, text, held } : { kind: "keep", text: original };
}

function* heldRanges(parent: Parents): Iterable<readonly [number, number]> {
  for (const node of parent.children) {
    const from = node.position?.start.offset;
    const to = node.position?.end.offset;
    if (from === undefined || to === undefined) continue;
    if (isOpaque(node)) yield [from, to];
    else if (node.type === "link" || node.type === "linkReference") {
      const first = node.children[0]?.position?.start.offset ?? to;
      const last = node.children.at(-1)?.position?.end.offset ?? to;
      yield [from, first];
      yield* heldRanges(node);
      yield [last, to];
    } else if ("children" in node) yield* heldRanges(node);
  }
}

function isOpaque(node: RootContent): boolean {
  if (["inlineCode", "html", "image", "imageReference", "footnoteReference", "break"].includes(node.type)) return true;
  if (node.type !== "link") return false;
  const only = node.children[0];
  return node.children.length === 0 || (only?.type === "text" && only.value === node.url);
}
