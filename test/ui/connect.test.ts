// Another program is set up from the editor: what changes is shown, it is tried with a real request, and it is undone.
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepFailures } from "../harness/keep-failures.ts";
import { openWorkbench, type Workbench } from "../harness/workbench.ts";

const own = "# mine\nmodel = 'gpt-5' # keep\n";
let workbench: Workbench;
let folder = "";
let file = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-codex-"));
  file = join(folder, "config.toml");
  await writeFile(file, own, { mode: 0o640 });
  workbench = await openWorkbench(process.env["SWITCHYARD_VSIX"] ?? "", {
    env: { CODEX_HOME: folder },
    settings: { "switchyard.warmUp": false },
  });
}, 300_000);
keepFailures(() => workbench);
afterAll(async () => {
  await workbench?.stop();
  await rm(folder, { recursive: true, force: true });
});

const secret = /experimental_bearer_token = "([^"]+)"/;

describe("setting up another program", { timeout: 300_000 }, () => {
  it("shows the change without the token, and does nothing until it is told to", async () => {
    await workbench.runCommand("Switchyard: Set Up Another Program…");
    await workbench.quickPickRows().filter({ hasText: "Codex" }).click();
    await workbench.quickPickRows().filter({ hasText: "Apply" }).waitFor();
    const diff = async () =>
      (await workbench.page.locator(".multiDiffEntry").allInnerTexts()).join().replaceAll("\u00a0", " ");
    await expect.poll(diff, { timeout: 60_000 }).toContain("[model_providers.switchyard]");
    await expect.poll(diff, { timeout: 60_000 }).toMatch(/experimental_bearer_token = "sy-\S{2}…"/);
    await workbench.screenshot("connect-diff");
    expect(await readFile(file, "utf8")).toBe(own);
    await workbench.quickPickRows().filter({ hasText: "Apply" }).click();
    await workbench.notification("Codex is set up to use http://127.0.0.1:").waitFor();
    const text = await readFile(file, "utf8");
    expect(text).toContain("model = 'switchyard/code' # keep");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await workbench.statusItem("api").waitFor();
  });

  it("says that it works when the program's first request has come", async () => {
    await workbench.notification("Waiting for the first request of Codex").waitFor();
    const text = await readFile(file, "utf8");
    const url = /base_url = "([^"]+)"/.exec(text)?.[1] ?? "";
    const headers = {
      authorization: `Bearer ${secret.exec(text)?.[1]}`,
      "content-type": "application/json",
      "user-agent": "codex_cli_rs/0.60.0",
    };
    const body = JSON.stringify({ model: "switchyard/code", input: "Say hello.", max_output_tokens: 5 });
    // It goes by itself after some seconds, unless the pointer is on it; the answer may take longer.
    const shown = workbench.notification("It works: Codex asked POST /v1/responses.").hover();
    const answer = await fetch(`${url}/responses`, { method: "POST", headers, body });
    expect(answer.status).not.toBe(401);
    await shown;
    await workbench.screenshot("connect-works");
  });

  it("gives back every byte when it is undone", async () => {
    // A message that nobody minds goes to the bell, and stays there.
    await workbench.runCommand("Notifications: Show Notifications");
    const note = workbench.notification("It works: Codex asked");
    await note.getByRole("button", { name: "Undo", exact: true }).click();
    await workbench.quickPickRows().filter({ hasText: "Undo" }).click();
    await workbench.notification("Codex is as it was.").waitFor();
    expect(await readFile(file, "utf8")).toBe(own);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    await workbench.runCommand("Switchyard: Stop API for Other Programs");
    await workbench.statusItem("api").waitFor({ state: "hidden" });
  });
});
