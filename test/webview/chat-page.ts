// The built chat page in a real browser, under the policy it has in the editor, with a host that only records.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { browserArgs, findBrowser } from "../../scripts/browser.ts";
import type { ToHost, ToPage } from "../../src/core/page-protocol.ts";
import type { Exchange } from "../../src/core/session.ts";

const pages = join(import.meta.dirname, "..", "..", "dist", "webview");
const types: Readonly<Record<string, string>> = { css: "text/css", js: "text/javascript", ttf: "font/ttf" };

export type Theme = "light" | "dark" | "high-contrast";

/** A few of the variables an editor gives its pages. */
const themes: Readonly<Record<Theme, Readonly<Record<string, string>>>> = {
  light: {
    foreground: "#202020",
    background: "#ffffff",
    dim: "#606060",
    link: "#0060c0",
    line: "#cccccc",
    error: "#ad0707",
    warning: "#8a5a00",
    code: "#f0f0f0",
  },
  dark: {
    foreground: "#d4d4d4",
    background: "#1e1e1e",
    dim: "#a0a0a0",
    link: "#6cb6ff",
    line: "#454545",
    error: "#ff8080",
    warning: "#e0b050",
    code: "#2a2a2a",
  },
  "high-contrast": {
    foreground: "#ffffff",
    background: "#000000",
    dim: "#ffffff",
    link: "#6fc3ff",
    line: "#6fc3df",
    error: "#ff9090",
    warning: "#ffd370",
    code: "#000000",
  },
};

function themeStyle(theme: Theme): string {
  const colors = themes[theme];
  const variables: Readonly<Record<string, string | undefined>> = {
    foreground: colors["foreground"],
    descriptionForeground: colors["dim"],
    "textLink-foreground": colors["link"],
    "widget-border": colors["line"],
    errorForeground: colors["error"],
    "editorWarning-foreground": colors["warning"],
    "textCodeBlock-background": colors["code"],
    "input-background": colors["background"],
    "input-foreground": colors["foreground"],
    "input-placeholderForeground": colors["dim"],
    "dropdown-background": colors["background"],
    "dropdown-foreground": colors["foreground"],
    focusBorder: colors["link"],
    "font-family": "sans-serif",
    "font-size": "13px",
    "editor-font-family": "monospace",
    "charts-blue": colors["link"],
    "debugTokenExpression-string": colors["error"],
    "debugTokenExpression-number": colors["link"],
    "debugTokenExpression-name": colors["link"],
  };
  const lines = Object.entries(variables).map(([name, value]) => `--vscode-${name}: ${value};`);
  return `:root { ${lines.join(" ")} background: ${colors["background"]}; }`;
}

function html(name: "chat" | "monitor", theme: Theme): string {
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

export interface PageUnderTest {
  readonly page: Page;
  /** Every address the page asked for. */
  readonly requests: readonly string[];
  send(message: ToPage): Promise<void>;
  sent(): Promise<readonly ToHost[]>;
}

export interface PageServer {
  open(name?: "chat" | "monitor", theme?: Theme): Promise<PageUnderTest>;
  stop(): Promise<void>;
}

export async function servePages(): Promise<PageServer> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const name = pathname.slice(1);
    if (name === "chat" || name === "monitor") {
      const theme = searchParams.get("theme");
      const known: Theme = theme === "dark" || theme === "high-contrast" ? theme : "light";
      response.setHeader("content-type", "text/html").end(html(name, known));
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
