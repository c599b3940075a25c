// Models on several servers, in the editor: deleted where they were chosen, and not loaded unasked where they do not fit.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noModelsLoaded, type ScriptedServer, sendJson, startScriptedServer } from "../backends/scripted-server.ts";
import { keepFailures } from "../harness/keep-failures.ts";
import { openWorkbench, type Workbench } from "../harness/workbench.ts";

const model = "qwen2.5:0.5b";
const huge = "enormous:9000b";
const broken = "broken:1b";
const bytes = { [model]: 398_000_000, [huge]: 5e12, [broken]: 1e9 };
let servers: readonly ScriptedServer[] = [];
let workbench: Workbench;
let home = "";

async function ollama(): Promise<ScriptedServer> {
  const models = new Set([model, huge, broken]);
  return startScriptedServer({
    "GET /api/version": (_, response) => sendJson(response, { version: "0.31.1" }),
    "GET /api/tags": (_, response) =>
      sendJson(response, {
        models: Object.entries(bytes).flatMap(([name, size]) =>
          models.has(name) ? [{ name, size, digest: "a" }] : [],
        ),
      }),
    "GET /api/ps": noModelsLoaded,
    "POST /api/show": (_, response) => sendJson(response, { capabilities: ["completion"], model_info: {} }),
    "POST /api/chat": (_, response, body) =>
      JSON.parse(body).model === broken
        ? sendJson(response, { error: "unknown model architecture" }, 500)
        : sendJson(response, { model, message: { role: "assistant", content: "" }, done: true }),
    "DELETE /api/delete": (_, response, body) => {
      models.delete(JSON.parse(body).model);
      sendJson(response, {});
    },
  });
}

beforeAll(async () => {
  servers = await Promise.all([ollama(), ollama(), ollama()]);
  const [first, ...others] = servers;
  home = await mkdtemp(join(tmpdir(), "switchyard-home-"));
  workbench = await openWorkbench(process.env["SWITCHYARD_VSIX"] ?? "", {
    env: { SWITCHYARD_HOME: home, SWITCHYARD_DOCKER_HOST: "unix:///nowhere/docker.sock" },
    settings: {
      "switchyard.ollamaUrl": first?.url,
      "switchyard.nodes": others.map(({ url }) => ({ url })),
      "switchyard.engine": "ollama",
      "switchyard.warmUp": false,
    },
  });
}, 300_000);
keepFailures(() => workbench);
afterAll(async () => {
  await workbench?.stop();
  await Promise.all(servers.map((server) => server.close()));
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

const asked = (what: string) => servers.map(({ requests }) => requests.filter((each) => each === what).length);
const host = (index: number) => new URL(servers[index]?.url ?? "").host;

describe("models on several servers", { timeout: 300_000 }, () => {
  it("are deleted from those that are chosen, and none is chosen beforehand", async () => {
    await workbench.runCommand("Switchyard: Choose Model…");
    const row = workbench.quickPickRows().filter({ hasText: model }).first();
    await row.waitFor();
    await row.hover();
    await row.getByRole("button", { name: "Delete from this machine" }).click();
    await workbench.page.getByText(`Delete ${model} from which servers?`).waitFor();
    const places = workbench.quickPickRows();
    await workbench.screenshot("delete-from-which");
    await places.filter({ hasText: host(0) }).click();
    await places.filter({ hasText: host(2) }).click();
    await workbench.page.keyboard.press("Enter");
    await workbench.dialog().getByText(`Delete ${model} from`).waitFor();
    await workbench.chooseInDialog("Delete");
    await expect.poll(() => asked("DELETE /api/delete"), { timeout: 60_000 }).toEqual([1, 0, 1]);
  });

  it("are not loaded where they do not fit before that was asked, with the numbers", async () => {
    const load = async (button: string) => {
      await workbench.runCommand("Switchyard: Choose Model…");
      const row = workbench.quickPickRows().filter({ hasText: huge }).first();
      await row.waitFor();
      await row.hover();
      await row.getByRole("button", { name: "Load into memory" }).click();
      await workbench.dialog().getByText(`Load ${huge}?`).waitFor();
      expect(await workbench.dialog().innerText()).toMatch(/it wants .* GB.*Weights: 5000.0 GB.*Memory: /s);
      await workbench.screenshot("load-does-not-fit");
      await workbench.chooseInDialog(button);
    };
    await load("Cancel");
    expect(asked("POST /api/chat")).toEqual([0, 0, 0]);
    await load("Load It Anyway");
    await expect.poll(() => asked("POST /api/chat"), { timeout: 60_000 }).toEqual([1, 0, 0]);
  });

  it("are loaded once, however often that is clicked, and what fails on the way is told", async () => {
    const load = async (name: string) => {
      await workbench.statusItem("model").click();
      const row = workbench.quickPickRows().filter({ hasText: name }).first();
      await row.waitFor({ timeout: 30_000 });
      await row.hover();
      await row.getByRole("button", { name: "Load into memory" }).dblclick();
    };
    await load(broken);
    await workbench.notification("unknown model architecture").waitFor({ timeout: 30_000 });
    const before = asked("POST /api/chat").reduce((sum, each) => sum + each);
    await load(model);
    await expect
      .poll(() => asked("POST /api/chat").reduce((sum, each) => sum + each), { timeout: 30_000 })
      .toBe(before + 1);
    await workbench.page.waitForTimeout(1500);
    expect(asked("POST /api/chat").reduce((sum, each) => sum + each)).toBe(before + 1);
  });

  it("that translate nothing are told of where it stands, and the preview is there after the window was loaded anew", async () => {
    const { page } = workbench;
    await workbench.openFile("guide.md");
    await workbench.runCommand("Switchyard: Translate Document");
    const told = workbench.notification("guide.md: The model did not answer as asked, twice");
    await told.getByRole("button", { name: "Show Where" }).waitFor();
    const lenses = page.locator(".codelens-decoration");
    await lenses.filter({ hasText: "The model did not answer as asked" }).first().waitFor();
    await workbench.screenshot("translation-notes");
    await lenses.filter({ hasText: "Translated" }).locator("a").first().click();
    await workbench.dialog().getByText("The model did not answer as asked, twice").first().waitFor();
    await workbench.screenshot("translation-about");
    await page.keyboard.press("Escape");
    await page.reload();
    await workbench.statusItem("model").waitFor({ timeout: 90_000 });
    await page.locator(".tabs-container .tab", { hasText: "guide.zh-CN.md" }).click();
    await expect.poll(() => workbench.editorText(), { timeout: 60_000 }).toContain("npm ci");
    await lenses.filter({ hasText: "The model did not answer as asked" }).first().waitFor();
    await workbench.screenshot("translation-reloaded");
    await workbench.editorAction("Save Translation Beside the Original").click();
    await page.locator(".tabs-container .tab", { hasText: "guide.zh-CN.md" }).nth(1).waitFor();
  });

  it("are not offered where no server is left that could get them, and what would help is", async () => {
    await Promise.all(servers.map((server) => server.close()));
    await workbench.runCommand("Switchyard: Get a Model…");
    const told = workbench.notification("No model server answers.");
    await told.getByRole("button", { name: "Start Services" }).waitFor();
    await workbench.screenshot("nobody-gets-models");
    await told.getByRole("button", { name: "Open Settings" }).click();
    await workbench.page.locator(".settings-editor").getByText("What runs the models.").first().waitFor();
  });
});
