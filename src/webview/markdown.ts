// Markdown to nodes that cannot run, load or leave: no raw HTML, no images, links that only tell the host.
import DOMPurify from "dompurify";
import { Lexer, Marked, type Token, type Tokens } from "marked";

/** Tags that our renderer makes; anything else is a mistake and is dropped. */
const allowedTags = [
  "a b blockquote br code del div em h3 h4 h5 h6 hr li ol p pre span strong table tbody td th thead tr ul i",
].flatMap((tags) => tags.split(" "));
const allowedAttributes = ["class", "data-href", "data-language", "title", "role", "tabindex", "start", "align"];

const followed = /^(?:https?|mailto):/i;

/**
 * So many list markers in a row are a count, `1. 2. 3. 4.`: as lists in lists they would be drawn as nothing, far to the
 * right. A rule, `* * * *`, is one all the same.
 */
const markersInARow =
  /^(?! {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,})(?:\n|$)) {0,3}(?:(?:\d{1,9}[.)]|[-*+])[ \t]+){4,}[^\n]*(?:\n+|$)/;

const marked = new Marked({
  gfm: true,
  extensions: [
    {
      name: "markersInARow",
      level: "block",
      tokenizer(source) {
        const raw = markersInARow.exec(source)?.[0];
        if (raw === undefined) return undefined;
        const text = raw.trim();
        return { type: "paragraph", raw, text, tokens: this.lexer.inline(text) };
      },
    },
  ],
  renderer: {
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escapeHtml(text),
    image: ({ text, href }: Tokens.Image) => escapeHtml(`[${text || "image"}: ${href}]`),
    link({ href, tokens }: Tokens.Link) {
      const inner = this.parser.parseInline(tokens);
      if (!followed.test(href)) return `${inner}${inner.includes(escapeHtml(href)) ? "" : ` (${escapeHtml(href)})`}`;
      const address = escapeHtml(href);
      return `<a role="link" tabindex="0" data-href="${address}" title="${address}">${inner}</a>`;
    },
    code: ({ text, lang }: Tokens.Code) =>
      `<pre data-language="${escapeHtml(languageOf(lang ?? ""))}"><code>${escapeHtml(text)}</code></pre>`,
    // Under the question, which is a heading of the second level.
    heading({ tokens, depth }: Tokens.Heading) {
      const level = Math.min(6, depth + 2);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? "☑ " : "☐ "),
  },
});

export type Links = Lexer["tokens"]["links"];

/** Splits into top-level blocks whose `raw` joined again is the text. */
export function splitBlocks(text: string, links: Links): readonly Token[] {
  const lexer = new Lexer(marked.defaults);
  Object.assign(lexer.tokens.links, links);
  const tokens = lexer.lex(text);
  Object.assign(links, lexer.tokens.links);
  return tokens;
}

export function renderTokens(tokens: readonly Token[]): DocumentFragment {
  return sanitized(marked.parser([...tokens]));
}

function sanitized(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    ALLOWED_TAGS: allowedTags,
    ALLOWED_ATTR: allowedAttributes,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    KEEP_CONTENT: true,
  });
}

/** First word of a fence's info string. */
export function languageOf(info: string): string {
  return /^[\w+#.-]*/.exec(info.trim())?.[0].toLowerCase() ?? "";
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
