// What a person sees before anything leaves, and after; Claude is a stand-in that speaks its protocol.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findService, urlOf } from "../../src/service/publication.ts";
import { stopService } from "../../src/service/stop-service.ts";
import { type ClaudeServer, startClaudeServer, testKey } from "../backends/claude-server.ts";
import { keepFailures } from "../harness/keep-failures.ts";
import { productHome } from "../harness/product-home.ts";
import { openWorkbench, type Workbench } from "../harness/workbench.ts";

let claude: ClaudeServer;
let workbench: Workbench;
let home: Awaited<ReturnType<typeof productHome>>;
const token = "sy-ui-test";
// In two parts, so that nothing takes this file for one that holds a key.
const secret = ["ghp", "Zq8vN2mX7rT4yB9cK1pL6wD3sF5gH0jA2eRt"].join("_");

beforeAll(async () => {
  claude = await startClaudeServer();
  home = await productHome();
  workbench = await openWorkbench(process.env["SWITCHYARD_VSIX"] ?? "", {
    settings: { "switchyard.claudeBaseUrl": claude.url, "switchyard.serviceClaude": "pass" },
    env: { SWITCHYARD_HOME: home.path, SWITCHYARD_PROXY_TOKEN: token },
  });
  await mkdir(join(workbench.folder, "client"));
  await writeFile(join(workbench.folder, "client", ".localonly"), "");
  await writeFile(join(workbench.folder, "client", "contract.ts"), "export const rate = 4711;\n");
  await writeFile(join(workbench.folder, "deploy.ts"), `export const token = "${secret}";\n`);
}, 300_000);
keepFailures(() => workbench);
afterAll(async () => {
  const service = await findService(home.path, token, new AbortController().signal);
  if (service) await stopService(service, token);
  await workbench.stop();
  await home.remove();
  await claude.stop();
});

const question = "Analyze the trade-offs of two caching strategies and give a recommendation.";
const asked = () => claude.requests.filter((request) => request.path.startsWith("/v1/messages"));

async function attachOpenFile(name: string): Promise<void> {
  await workbench.runCommand("Switchyard: Add Selection to Chat");
  await workbench.chat().locator(".composer .chip", { hasText: name }).waitFor();
}

async function giveKey(key: string): Promise<void> {
  await workbench.runCommand("Switchyard: Set Claude API Key…");
  await workbench.answerInput("Set Claude API Key", key);
}

describe("before anything leaves", { timeout: 300_000 }, () => {
  it("a key that Claude does not take is told where it was typed, and one that it takes is kept", async () => {
    await giveKey("sk-ant-wrong");
    const wrong = workbench.page.locator(".quick-input-message", { hasText: "Claude does not accept the key" });
    await wrong.waitFor();
    await workbench.screenshot("wrong-key");
    await workbench.answerInput("Set Claude API Key", testKey);
    await workbench.notification("Claude is connected").waitFor();
    await wrong.waitFor({ state: "hidden" });
  });

  it("the person sees where to, how much and at what price, and can send it once", async () => {
    await workbench.runCommand("Switchyard: Open Chat");
    await workbench.ask(question);
    await workbench.dialog().waitFor();
    const text = await workbench.dialog().innerText();
    expect(text).toMatch(/Send this to claude-sonnet-5-5 at 127\.0\.0\.1/);
    expect(text).toMatch(/About \d+ tokens/);
    expect(text).toMatch(/It costs \$0\.\d+ at most/);
    expect(asked()).toHaveLength(0);
    await workbench.screenshot("consent");
    await workbench.chooseInDialog("Send Once");
    const badge = await (await workbench.finishedAnswer()).locator(".badge summary").innerText();
    expect(badge).toMatch(/claude-sonnet-5-5/);
    expect(badge).toMatch(/cloud/);
    expect(badge).toMatch(/\$0\.0/);
    expect(asked()).toHaveLength(1);
  });

  it("who does not want it gets an answer from here", async () => {
    await workbench.ask(`${question} Keep it short.`);
    await workbench.dialog().waitFor();
    await workbench.chooseInDialog("Cancel");
    const answer = await workbench.finishedAnswer();
    expect(await answer.locator(".notices").innerText()).toMatch(/Nothing was sent to claude-sonnet-5-5/);
    expect(await answer.locator(".badge summary").innerText()).toMatch(/this machine/);
    expect(asked()).toHaveLength(1);
  });

  it("the same can be asked of a better model, and both answers stand side by side", async () => {
    const before = asked().length;
    const local = workbench.chat().locator(".exchange").last();
    await local.getByRole("button", { name: "Try again with another model" }).click();
    await workbench.quickPickRows().filter({ hasText: "claude-sonnet-5-5" }).first().click();
    await workbench.dialog().waitFor();
    expect(await workbench.dialog().innerText()).toContain("You chose this model: without sending there is no answer");
    await workbench.chooseInDialog("Send Once");
    await expect.poll(() => workbench.chat().locator(".exchange").count(), { timeout: 60_000 }).toBe(3);
    const better = await workbench.finishedAnswer();
    expect(asked()).toHaveLength(before + 1);
    await better.getByRole("button", { name: "Compare with the first answer" }).click();
    const both = workbench.page.locator(".monaco-diff-editor");
    await expect.poll(() => both.innerText(), { timeout: 60_000 }).toMatch(/That.is.all/);
    await workbench.screenshot("side-by-side");
  });

  it("secrets are shown, and what is sent has placeholders in their place", async () => {
    await workbench.openFile("deploy.ts");
    await attachOpenFile("deploy.ts");
    await workbench.ask(question);
    await workbench.dialog().waitFor();
    const text = await workbench.dialog().innerText();
    expect(text).toMatch(/deploy\.ts:1/);
    expect(text).not.toContain(secret);
    await workbench.screenshot("secrets");
    await workbench.chooseInDialog("Mask Them and Send");
    await workbench.finishedAnswer();
    const sent = JSON.stringify(asked().at(-1));
    expect(sent).toContain("SECRET_1");
    expect(sent).not.toContain(secret);
  });

  it("local-only text is never offered to Claude, and neither is what follows it", async () => {
    const before = asked().length;
    await workbench.openFile("contract.ts");
    await attachOpenFile("contract.ts");
    for (const text of [question, `${question} And why?`]) {
      await workbench.ask(text);
      const answer = await workbench.finishedAnswer();
      expect(await answer.locator(".badge summary").innerText()).toMatch(/this machine/);
      await answer.locator(".badge summary").click();
      expect(await answer.locator(".badge").innerText()).toMatch(/contract\.ts is local only/);
    }
    await workbench.screenshot("local-only");
    expect(asked()).toHaveLength(before);
  });

  it("everything that left is on record", async () => {
    await workbench.runCommand("Switchyard: Show What Left This Machine");
    const page = workbench.page.frameLocator("iframe.webview.ready >> nth=-1").frameLocator("#active-frame");
    const rows = page.locator("tbody tr");
    await rows.first().waitFor();
    await expect.poll(() => rows.count()).toBe(asked().length);
    expect(await rows.first().innerText()).toMatch(/claude-sonnet-5-5.*deploy\.ts/s);
    await workbench.screenshot("ledger");
  });

  it("other programs reach Claude with the key that the editor keeps, where the person has opened that way", async () => {
    await workbench.runCommand("Switchyard: Start API for Other Programs");
    await workbench.statusItem("api").waitFor();
    const service = await findService(home.path, token, new AbortController().signal);
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "anthropic-version": "2023-06-01",
    };
    const messages = [{ role: "user", content: "hi" }];
    const answer = await fetch(`${service && urlOf(service)}/v1/messages`, {
      method: "POST",
      headers,
      body: JSON.stringify({ model: "claude-sonnet-5-5", max_tokens: 100, stream: true, messages }),
    });
    expect(await answer.text()).toContain("message_stop");
    expect(claude.requests.at(-1)?.headers["x-api-key"]).toBe(testKey);
    await workbench.runCommand("Switchyard: Show What Left This Machine");
    const page = workbench.page.frameLocator("iframe.webview.ready >> nth=-1").frameLocator("#active-frame");
    await page.locator("tbody tr").first().getByText("the setting “serviceClaude”").waitFor();
    await workbench.screenshot("ledger-service");
  });

  it("with Offline on, nothing is even offered", async () => {
    const before = claude.requests.length;
    await workbench.runCommand("Switchyard: New Conversation");
    // Its title as well: what is asked before the page is drawn anew belongs to the conversation of before.
    const title = workbench.chat().locator("select option:checked");
    await expect.poll(() => title.textContent()).toBe("New conversation");
    await expect.poll(() => workbench.chat().locator(".exchange").count()).toBe(0);
    await workbench.runCommand("Switchyard: Turn Offline On or Off");
    await workbench.statusItem("offline").waitFor();
    await workbench.runCommand("Switchyard: Set Claude API Key…");
    const refused = workbench.notification("Offline is on: nothing is sent to Claude");
    await refused.getByRole("button", { name: "Turn Offline Off" }).waitFor();
    await workbench.ask(question);
    // So small a model may go on until its answer is as long as one may be.
    const answer = await workbench.finishedAnswer(240_000);
    expect(await answer.locator(".badge summary").innerText()).toMatch(/this machine/);
    await workbench.screenshot("offline");
    expect(claude.requests).toHaveLength(before);
  });
});
