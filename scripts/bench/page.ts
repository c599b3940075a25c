// What drawing a long answer costs the page, beside rendering the whole of it again for every frame.
import * as esbuild from "esbuild";
import { chromium } from "playwright-core";
import { browserArgs, ensureBrowser } from "../browser.ts";
import { root } from "../run.ts";
import { quantile, type Row } from "./measure.ts";

const tokens = 20_000;
const tokensPerFrame = 10;
/** The peer gets slower with every frame; it is stopped, and what it had done by then counts. */
const peerLimitMs = 30_000;

const source = `
import DOMPurify from "dompurify";
import { marked } from "marked";
import { createAnswerRenderer } from "./src/webview/answer-renderer.ts";
import { createCodeBlocks } from "./src/webview/code-block.ts";
import { createHighlight } from "./src/webview/highlight.ts";
import { createStrings } from "./src/webview/strings.ts";

const words = "the model reads code and writes what it finds in plain sentences with names numbers and reasons".split(" ");
function answer(count) {
  let text = "";
  for (let token = 0; token < count; ) {
    const kind = Math.floor(token / 100) % 9;
    if (kind === 4) { text += "\`\`\`ts\\n" + "const value = compute(input, 42);\\n".repeat(12) + "\`\`\`\\n\\n"; token += 110; }
    else if (kind === 7) { text += "- one item of a list\\n- another **item** with \`code\`\\n\\n"; token += 20; }
    else { for (let word = 0; word < 60; word++) text += words[(token + word * 7) % words.length] + (word % 13 === 12 ? ". " : " "); text += "\\n\\n"; token += 65; }
  }
  return text;
}
function pieces(text, count) {
  const size = Math.ceil(text.length / count);
  return Array.from({ length: count }, (_, index) => text.slice(index * size, (index + 1) * size));
}
globalThis.ours = (tokens, perFrame) => {
  const frames = pieces(answer(tokens), tokens / perFrame);
  const container = document.body.appendChild(document.createElement("div"));
  const codeBlocks = createCodeBlocks({ strings: createStrings({}), highlight: createHighlight(), run() {} });
  const renderer = createAnswerRenderer(container, codeBlocks);
  const times = frames.map((piece) => {
    const start = performance.now();
    renderer.append(piece);
    renderer.draw();
    void document.body.offsetHeight;
    return performance.now() - start;
  });
  renderer.finish();
  container.remove();
  return times;
};
globalThis.peer = (tokens, perFrame, limitMs) => {
  const frames = pieces(answer(tokens), tokens / perFrame);
  const container = document.body.appendChild(document.createElement("div"));
  const times = [];
  let text = "";
  const end = performance.now() + limitMs;
  for (const piece of frames) {
    if (performance.now() > end) break;
    const start = performance.now();
    text += piece;
    container.innerHTML = DOMPurify.sanitize(marked.parse(text));
    void document.body.offsetHeight;
    times.push(performance.now() - start);
  }
  container.remove();
  return { times, share: times.length / frames.length };
};
`;

export async function measurePage(): Promise<readonly Row[]> {
  const built = await esbuild.build({
    stdin: { contents: source, resolveDir: root, loader: "ts" },
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    platform: "browser",
  });
  const browser = await chromium.launch({ executablePath: await ensureBrowser(), args: browserArgs });
  try {
    const page = await browser.newPage({ viewport: { width: 420, height: 800 } });
    await page.setContent("<body></body>");
    await page.evaluate(built.outputFiles[0]?.text ?? "");
    const call = (name: string, ...args: number[]) =>
      page.evaluate(
        ([key, rest]) => Reflect.get(globalThis, String(key))(...(Array.isArray(rest) ? rest : [])),
        [name, args],
      );
    await call("ours", 2000, tokensPerFrame);
    const times: number[] = await call("ours", tokens, tokensPerFrame);
    const peer: { times: number[]; share: number } = await call("peer", tokens, tokensPerFrame, peerLimitMs);
    return rows(times, peer);
  } finally {
    await browser.close();
  }
}

function rows(
  times: readonly number[],
  peer: { readonly times: readonly number[]; readonly share: number },
): readonly Row[] {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const [value, other] = [sum(times), sum(peer.times)];
  const p99 = quantile(times, 0.99);
  const stopped = `the peer was stopped at ${Math.round(peer.share * 100)} % of the answer`;
  return [
    {
      name: "drawing 20,000 tokens, 10 a frame",
      value,
      unit: "ms",
      peer: { name: "marked + DOMPurify, all of it each frame", value: other },
      goal: "≤ 1/10 of the peer",
      isMet: value <= other / 10,
      ...(peer.share < 1 ? { note: stopped } : {}),
    },
    { name: "longest frames while drawing (p99)", value: p99, unit: "ms", goal: "≤ 4 ms", isMet: p99 <= 4 },
  ];
}
