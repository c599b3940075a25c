// What a workspace keeps on this machine it keeps from the shell as well, as long as a window has it open.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { announceWindow } from "../../src/service/open-windows.ts";
import { startClaudeServer, testKey } from "../backends/claude-server.ts";
import { newShell } from "../service/serving.ts";

it("files of a local-only workspace do not go to Claude from a shell, wherever it was opened", async () => {
  const claude = await startClaudeServer();
  onTestFinished(() => claude.stop());
  const shell = await newShell();
  onTestFinished(() => shell.close());
  await writeFile(join(shell.home, "config.json"), JSON.stringify({ claudeBaseUrl: claude.url }));
  const workspace = join(shell.home, "client");
  await mkdir(workspace);
  const file = join(workspace, "rate.ts");
  await writeFile(file, "export const rate = 4711;\n");
  const asked = () => claude.requests.filter(({ path }) => path === "/v1/messages").length;
  const explain = (path: string) =>
    shell.run(["explain", path, "--model", "claude-sonnet-5-5", "--allow-cloud", "--fresh"], {
      ANTHROPIC_API_KEY: testKey,
    });
  expect(await explain(file)).toMatchObject({ code: 0 });
  expect(asked()).toBe(1);
  const window = announceWindow(shell.home);
  onTestFinished(() => window.dispose());
  await window.say({ offline: true, localOnly: [workspace] });
  const kept = await explain(file);
  expect(kept.code).toBe(5);
  expect(kept.err).toContain(`the folder ${workspace}, which is open in the editor, is local only`);
  expect(asked()).toBe(1);
  const other = join(shell.home, "other.ts");
  await writeFile(other, "export const rate = 1;\n");
  expect(await explain(other)).toMatchObject({ code: 0 });
  expect(asked()).toBe(2);
});
