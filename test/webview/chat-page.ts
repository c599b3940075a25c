// The built chat page in a real browser, under the policy it has in the editor, with a host that only records.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { browserArgs, findBrowser } from "../../scripts/browser.ts";
import type { Badge } from "../../src/core/answer.ts";
import { msg } from "../../src/core/message.ts";
import type { ToHost, ToLedgerPage, ToMonitorPage, ToPage } from "../../src/core/page-protocol.ts";
import type { Exchange } from "../../src/core/session.ts";

const pages = join(import.meta.dirname, "..", "..", "dist", "webview");
const types: Readonly<Record<string, string>> = { css: "text/css", js: "text/javascript", ttf: "font/ttf" };

const themes: Readonly<Record<Theme, Readonly<Record<string, string>>>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "fixtures", "themes.json"), "utf8"),
);
export const themeNames = ["light", "dark", "high-contrast", "high-contrast-light"] as const;
export type Theme = (typeof themeNames)[number];

/** What the editor gives every page, as far as ours has such elements: its own colours for code stand before ours. */
const editorStyle = `@layer vscode-default {
  body { background-color: transparent; color: var(--vscode-editor-foreground); margin: 0; padding: 0 20px; }
  a, a code { color: var(--vscode-textLink-foreground); }
  code {
    color: var(--vscode-textPreformat-foreground); background-color: var(--vscode-textPreformat-background);
    padding: 1px 3px; border-radius: 4px;
  }
  pre code { padding: 0; }
  blockquote { background: var(--vscode-textBlockQuote-background); border-color: var(--vscode-textBlockQuote-border); }
  kbd {
    background-color: var(--vscode-keybindingLabel-background); color: var(--vscode-keybindingLabel-foreground);
    border: 1px solid var(--vscode-keybindingLabel-border); border-radius: 3px; padding: 1px 3px;
  }
}`;

function themeStyle(theme: Theme): string {
  const fonts = { "font-family": "sans-serif", "font-size": "13px", "editor-font-family": "monospace" };
  const lines = Object.entries({ ...themes[theme], ...fonts }).map(([name, value]) => `--vscode-${name}: ${value};`);
  return `${editorStyle} :root { ${lines.join(" ")} background: ${themes[theme]["sideBar-background"]}; }`;
}

function html(name: PageName, theme: Theme): string {
  const policy =
    "default-src 'none'; img-src 'self' data:; style-src 'self' 'nonce-test'; script-src 'nonce-test'; font-src 'self'";
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}"><title>Switchyard</title>
<style nonce="test">${themeStyle(theme)}</style>
<link rel="stylesheet" href="/codicon.css"><link rel="stylesheet" href="/${name}.css"></head>
<body><script nonce="test">
  window.sent = [];
  let saved = JSON.parse(sessionStorage.getItem("state") ?? "null");
  window.acquireVsCodeApi = () => ({
    postMessage: (message) => window.sent.push(message),
    getState: () => saved,
    setState: (state) => { saved = state; sessionStorage.setItem("state", JSON.stringify(state)); },
  });
</script><script nonce="test" src="/${name}.js"></script></body></html>`;
}

const pageNames = ["chat", "monitor", "ledger"] as const;
type PageName = (typeof pageNames)[number];

export interface PageUnderTest {
  readonly page: Page;
  /** Every address the page asked for. */
  readonly requests: readonly string[];
  send(message: ToPage | ToLedgerPage | ToMonitorPage): Promise<void>;
  sent(): Promise<readonly ToHost[]>;
}

export interface PageServer {
  open(name?: PageName, theme?: Theme): Promise<PageUnderTest>;
  stop(): Promise<void>;
}

export async function servePages(): Promise<PageServer> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const name = pathname.slice(1);
    const page = pageNames.find((each) => each === name);
    if (page) {
      const theme = themeNames.find((each) => each === searchParams.get("theme")) ?? "light";
      response.setHeader("content-type", "text/html").end(html(page, theme));
      return;
    }
    readFile(join(pages, name)).then(
      (content) => response.setHeader("content-type", types[name.split(".").at(-1) ?? ""] ?? "text/plain").end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const browser: Browser = await chromium.launch({ executablePath: findBrowser() ?? "", args: browserArgs });
  return {
    async open(name = "chat", theme = "light") {
      const context = await browser.newContext({ viewport: { width: 420, height: 800 } });
      const page = await context.newPage();
      const requests: string[] = [];
      page.on("request", (request) => requests.push(request.url()));
      await page.goto(`http://127.0.0.1:${port}/${name}?theme=${theme}`);
      return {
        page,
        requests,
        send: async (message) => page.evaluate((each) => window.postMessage(each, window.origin), message),
        sent: () => page.evaluate(() => Reflect.get(window, "sent")),
      };
    },
    async stop() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const initial: Extract<ToPage, { kind: "init" }> = {
  kind: "init",
  protocol: 1,
  locale: "en",
  strings: {},
  session: { id: "s1", title: "First", createdAtMs: 1, updatedAtMs: 1, exchanges: [] },
  sessions: [{ id: "s1", title: "First", updatedAtMs: 1 }],
  modelLabel: "Auto",
  attached: [],
  seq: 0,
};

export function exchange(change: Partial<Exchange> = {}): Exchange {
  return {
    id: "e1",
    askedAtMs: 1,
    question: "What is this?",
    sources: [{ uri: "file:///a.ts", label: "a.ts", startLine: 3, endLine: 5 }],
    answer: "",
    thinking: "",
    notices: [],
    findings: [],
    state: "streaming",
    ...change,
  };
}

/** Of an answer that a model on this machine gave. */
export const badge: Badge = {
  route: {
    task: "explain",
    classification: {
      kind: "explain",
      language: "en",
      scores: { review: 0, translate: 0, explain: 3, document: 0, create: 0, analyze: 0, code: 0, chat: 0 },
      confidence: 0.9,
      evidence: [{ kind: "explain", seen: "what is", points: 3 }],
    },
    role: "general",
    model: "smollm2:135m",
    backend: "built-in engine",
    place: "this-machine",
    why: msg("first choice for the role “{0}”", "general"),
    alternatives: [{ model: "qwen3.5:4b", why: msg("not installed") }],
  },
  outcome: "done",
  firstTokenMs: 420,
  totalMs: 3000,
  tokensPerSecond: 38.2,
  promptTokens: 812,
  answerTokens: 240,
  estimated: false,
};
