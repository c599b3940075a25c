// Colours for finished code. Languages are named, so that the page does not carry all two hundred.
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import markdown from "highlight.js/lib/languages/markdown";
import php from "highlight.js/lib/languages/php";
import python from "highlight.js/lib/languages/python";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import shell from "highlight.js/lib/languages/shell";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

const languages = {
  bash,
  c,
  cpp,
  csharp,
  css,
  diff,
  dockerfile,
  go,
  ini,
  java,
  javascript,
  json,
  kotlin,
  markdown,
  php,
  python,
  ruby,
  rust,
  shell,
  sql,
  swift,
  typescript,
  xml,
  yaml,
};

/** A piece of code that is longer costs a frame that people feel. */
const maxLength = 8000;
const mark = /<span class="([^"]*)">|<\/span>/g;
const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'" };

/** Colours code; undefined where the language is not known or the code too long. */
export type Highlight = (code: string, language: string) => DocumentFragment | undefined;

export function createHighlight(): Highlight {
  for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);
  return (code, language) => {
    if (!hljs.getLanguage(language) || code.length > maxLength) return undefined;
    return nodesOf(hljs.highlight(code, { language, ignoreIllegals: true }).value);
  };
}

/** Nodes of the highlighter's own markup. Only spans with a class can come of it; anything else stays text. */
function nodesOf(html: string): DocumentFragment {
  const root = document.createDocumentFragment();
  const open: (DocumentFragment | HTMLElement)[] = [root];
  let from = 0;
  const addText = (to: number) => {
    if (to > from) open.at(-1)?.append(unescaped(html.slice(from, to)));
  };
  for (const match of html.matchAll(mark)) {
    addText(match.index);
    from = match.index + match[0].length;
    if (match[1] === undefined) {
      if (open.length > 1) open.pop();
      continue;
    }
    const span = document.createElement("span");
    span.className = match[1];
    open.at(-1)?.append(span);
    open.push(span);
  }
  addText(html.length);
  return root;
}

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#x27);/g, (whole, name: string) => entities[name] ?? whole);
}
