#!/usr/bin/env node
// Stands in for the `code` executable where there is no display: takes what @vscode/test-electron passes it, runs VS Code's
// server and a headless browser, and ends with the exit code of the tests.
import { join } from "node:path";
import { format } from "node:util";
import { chromium, type Page } from "playwright-core";
import { browserArgs, ensureBrowser } from "../../scripts/browser.ts";
import { ensureEditorHost } from "../../scripts/editor-host.ts";
import { startServer, temporaryFolder } from "./servers.ts";

const limitMs = Number(process.env["SWITCHYARD_HOST_TEST_LIMIT_MS"] ?? 20 * 60_000);

/** What the editor says about itself: native parts it does without here, and its own chat. */
const noise = /Could not locate the bindings file|^\[ChatModelSelection\]|^\s*$/;

interface Arguments {
  readonly folder: string | undefined;
  value(name: string): string | undefined;
}

function readArguments(argv: readonly string[]): Arguments {
  const named = new Map(
    argv.flatMap((each): [string, string][] => {
      const match = /^--([^=]+)=(.*)$/s.exec(each);
      return match?.[1] ? [[match[1], match[2] ?? ""]] : [];
    }),
  );
  return { folder: argv.find((each) => !each.startsWith("-")), value: (name) => named.get(name) };
}

async function runTests(page: Page, address: string): Promise<number> {
  let end: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  await page.exposeFunction("codeAutomationLog", (kind: string, args: unknown[]) => {
    const line = format(...args);
    if (noise.test(line)) return;
    if (kind === "error") process.stderr.write(`${line}\n`);
    else process.stdout.write(`${line}\n`);
  });
  await page.exposeFunction("codeAutomationExit", (code: number) => end(code));
  page.once("crash", () => end(70));
  const timer = setTimeout(() => {
    process.stderr.write(`The tests did not end in ${limitMs / 1000} s.\n`);
    end(124);
  }, limitMs);
  await page.goto(address);
  const code = await ended;
  clearTimeout(timer);
  if (code !== 0) await page.screenshot({ path: "out/screenshots/host-tests-failed.png" }).catch(() => {});
  return code;
}

async function main(): Promise<number> {
  const { folder, value } = readArguments(process.argv.slice(2));
  const home = await temporaryFolder("host");
  const { server } = await ensureEditorHost();
  const started = await startServer(
    server,
    (port) => [
      ...["--host", "127.0.0.1", "--port", String(port)],
      ...["--without-connection-token", "--accept-server-license-terms", "--enable-smoke-test-driver"],
      ...["--telemetry-level", "off", "--disable-workspace-trust"],
      ...["--server-data-dir", join(home.path, "server")],
      ...["--user-data-dir", value("user-data-dir") ?? join(home.path, "user")],
      ...["--extensions-dir", value("extensions-dir") ?? join(home.path, "extensions")],
    ],
    /Web UI available|Extension host agent listening/,
    {},
  );
  const browser = await chromium.launch({ executablePath: await ensureBrowser(), args: browserArgs });
  try {
    const remote = (path: string) => `vscode-remote://127.0.0.1:${started.port}${path}`;
    const payload = [
      ["extensionDevelopmentPath", remote(value("extensionDevelopmentPath") ?? process.cwd())],
      ["extensionTestsPath", remote(value("extensionTestsPath") ?? "")],
      ["skipWelcome", "true"],
    ];
    const query = new URLSearchParams({ payload: JSON.stringify(payload), ...(folder ? { folder } : { ew: "true" }) });
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    return await runTests(page, `http://127.0.0.1:${started.port}/?${query}`);
  } finally {
    await browser.close().catch(() => {});
    await started.stop();
    await home.remove();
  }
}

process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  }),
);
