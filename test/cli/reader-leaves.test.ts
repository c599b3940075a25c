// A reader that goes early, such as `head`: what was begun is ended and written down.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { createLedger } from "../../src/store/ledger.ts";
import { answer, type ClaudeServer, startClaudeServer, testKey } from "../backends/claude-server.ts";

const main = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");
let home = "";
let claude: ClaudeServer | undefined;
afterEach(async () => {
  await claude?.stop();
  await rm(home, { recursive: true, force: true });
});

it.each([
  ["of the answer", 1],
  ["of the answer and of what is said of it", 2],
])("where the reader %s leaves, Claude is stopped and the end is in the ledger", async (_, streams) => {
  home = await mkdtemp(join(tmpdir(), "switchyard-head-"));
  claude = await startClaudeServer([answer({ texts: Array.from({ length: 400 }, () => "word "), pauseMs: 20 })]);
  await writeFile(
    join(home, "config.json"),
    JSON.stringify({ engine: "ollama", ollamaUrl: "http://127.0.0.1:9", claudeBaseUrl: claude.url }),
  );
  const child = spawn(
    process.execPath,
    [main, "ask", "Why is the sky blue?", "--model", "claude-sonnet-5-5", "--allow-cloud"],
    {
      cwd: home,
      env: {
        PATH: process.env["PATH"],
        SWITCHYARD_HOME: home,
        ANTHROPIC_API_KEY: testKey,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let said = "";
  child.stderr.on("data", (piece) => {
    said += piece;
  });
  const first = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  expect(String(first[0]), said).toContain("word");
  child.stdout.destroy();
  if (streams === 2) child.stderr.destroy();
  const [code] = await once(child, "exit");
  expect(code, said).toBe(0);
  const ledger = createLedger(join(home, "ledger.ndjson"));
  const entries = await ledger.list();
  await ledger.dispose();
  expect(entries).toMatchObject([{ outcome: "stopped" }]);
  await expect.poll(() => claude?.requests[0]?.closedAtMs).toBeDefined();
});
