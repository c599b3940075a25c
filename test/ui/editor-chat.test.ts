// @switchyard in VS Code's own chat, without an account: it answers, shows findings with their places, and tells what went wrong.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  beginLines,
  doneLine,
  ollamaRoutes,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";
import { askEditorChat, openEditorChat } from "../harness/editor-chat.ts";
import { keepFailures } from "../harness/keep-failures.ts";
import { openWorkbench, type Workbench } from "../harness/workbench.ts";

const model = "qwen2.5:0.5b";
const finding = {
  line: 4,
  quote: "  for (let i = 0; i <= numbers.length; i++) {",
  title: "One element too many is read",
  body: "The last index is one past the end.",
  severity: "problem",
};
let server: ScriptedServer;
let workbench: Workbench;
let answer = "";
let status = 200;

beforeAll(async () => {
  server = await startScriptedServer({
    ...ollamaRoutes([{ name: model, size: 398_000_000, digest: "a", details: {} }], "0.31.1"),
    "POST /api/show": (_, response) =>
      sendJson(response, { capabilities: ["completion"], model_info: { "qwen2.context_length": 32768 } }),
    "POST /api/chat": (_, response) => {
      if (status !== 200) return sendJson(response, { error: "the model runner has stopped" }, status);
      beginLines(response);
      response.end(tokenLine(answer) + doneLine());
    },
  });
  workbench = await openWorkbench(process.env["SWITCHYARD_VSIX"] ?? "", {
    settings: {
      "chat.disableAIFeatures": false,
      "switchyard.ollamaUrl": server.url,
      "switchyard.engine": "ollama",
      "switchyard.warmUp": false,
      "switchyard.cache": false,
    },
  });
}, 300_000);
keepFailures(() => workbench);
afterAll(async () => {
  await workbench?.stop();
  await server.close();
});

const asked = () => server.requests.filter((each) => each === "POST /api/chat").length;
const lastBody = (): { readonly messages: readonly { readonly role: string; readonly content: string }[] } =>
  JSON.parse(server.bodies[server.requests.lastIndexOf("POST /api/chat")] ?? "");

describe("@switchyard in the editor's own chat", { timeout: 300_000 }, () => {
  it("answers without an account, and says what answered", async () => {
    answer = "Hello from the model.";
    await openEditorChat(workbench, model);
    const shown = await askEditorChat(workbench, "@switchyard Say hello.");
    await expect.poll(() => shown.innerText(), { timeout: 60_000 }).toMatch(/Hello from the model\..*this machine/s);
    expect(await shown.innerText()).toContain(model);
    expect(lastBody().messages.at(-1)?.content).toContain("Say hello.");
    await workbench.screenshot("editor-chat");
  });

  it("goes on with the conversation, and takes only what the model said for its words", async () => {
    answer = "And hello again.";
    const shown = await askEditorChat(workbench, "@switchyard And again?");
    await expect.poll(() => shown.innerText(), { timeout: 60_000 }).toContain("And hello again.");
    const said = lastBody().messages.filter(({ role }) => role === "assistant");
    expect(said.map(({ content }) => content)).toEqual(["Hello from the model."]);
  });

  it("reviews what is selected, each finding one click from its lines", async () => {
    answer = JSON.stringify({ findings: [finding] });
    await workbench.openFile("average.ts");
    await workbench.selectLines(1, 8);
    const shown = await askEditorChat(workbench, "@switchyard /review");
    await expect.poll(() => shown.innerText(), { timeout: 60_000 }).toContain("The last index is one past the end.");
    expect(
      lastBody()
        .messages.map(({ content }) => content)
        .join(),
    ).toContain("4|   for (let i = 0; i <= numbers.length");
    await workbench.screenshot("editor-chat-review");
    await workbench.openFile("report.py");
    await shown.getByText("average.ts:4", { exact: true }).click();
    await workbench.page.locator(".tabs-container .tab.active", { hasText: "average.ts" }).waitFor();
  });

  it("says below an answer what a person has to know of it", async () => {
    answer = "There are no findings that I could write as you asked.";
    const before = asked();
    const shown = await askEditorChat(workbench, "@switchyard /review");
    const notice = shown.locator("blockquote");
    await notice.first().waitFor();
    expect(asked()).toBeGreaterThan(before);
    expect(await notice.first().innerText()).not.toBe("");
  });

  it("tells what went wrong", async () => {
    status = 500;
    const shown = await askEditorChat(workbench, "@switchyard Now fail.");
    await expect.poll(() => shown.innerText(), { timeout: 60_000 }).toContain("the model runner has stopped");
  });
});
