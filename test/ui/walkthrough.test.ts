// The walkthrough in the editor: a step is ticked when what it asks for was done, not when its button was clicked.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  beginLines,
  doneLine,
  loadingFirst,
  ollamaRoutes,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";
import { keepFailures } from "../harness/keep-failures.ts";
import { walkthroughStep } from "../harness/walkthrough.ts";
import { openWorkbench, type Workbench } from "../harness/workbench.ts";

const model = "qwen3.5:4b";
const embedder = "nomic-embed-text:latest";
let ollama: ScriptedServer;
let workbench: Workbench;
const models = [embedder];

beforeAll(async () => {
  ollama = await startScriptedServer({
    ...ollamaRoutes(() => models.map((name) => ({ name, size: 398_000_000, digest: name }))),
    "POST /api/show": (_, response, body) =>
      sendJson(response, {
        capabilities: [JSON.parse(body).model === embedder ? "embedding" : "completion"],
        model_info: {},
      }),
    "POST /api/pull": (_, response, body) => {
      models.push(JSON.parse(body).name);
      beginLines(response);
      response.end(`${JSON.stringify({ status: "success" })}\n`);
    },
    "POST /api/chat": loadingFirst((_, response) => {
      beginLines(response);
      response.end(tokenLine("Guten Tag") + doneLine());
    }),
  });
  workbench = await openWorkbench(process.env["SWITCHYARD_VSIX"] ?? "", {
    env: { SWITCHYARD_DOCKER_HOST: "unix:///nowhere/docker.sock" },
    settings: { "switchyard.ollamaUrl": ollama.url, "switchyard.engine": "ollama", "switchyard.warmUp": false },
    files: { "short.md": "你好，世界。\n" },
  });
}, 300_000);
keepFailures(() => workbench);
afterAll(async () => {
  await workbench?.stop();
  await ollama?.close();
});

const step = (id: string) => walkthroughStep(workbench, id);
const isTicked = (id: string) => expect.poll(() => step(id).isDone(), { timeout: 60_000 }).toBe(true);

describe("the walkthrough", { timeout: 300_000 }, () => {
  it("ticks nothing for its buttons alone, and what was done before it was opened", async () => {
    await workbench.runCommand("Switchyard: Start Services");
    await workbench
      .notification("No Docker engine was found.")
      .getByRole("button", { name: "Look for Problems" })
      .click();
    await workbench.quickPickRows("What is wrong").first().waitFor();
    await workbench.page.keyboard.press("Escape");
    await workbench.runCommand("Switchyard: Open Walkthrough");
    await isTicked("services");
    await step("model").choose("Get a Model");
    await workbench.quickPickRows("Get a model").first().waitFor();
    await workbench.page.keyboard.press("Escape");
    await step("review").choose("Review");
    await workbench.notification("Open a file or select some text first").waitFor();
    await step("translate").choose("Translate Document");
    await step("why").choose("Which Model?");
    await workbench.page.getByText("Which model would you pick?").waitFor();
    await workbench.page.keyboard.press("Escape");
    await step("chat").choose("Open Chat");
    // The page has asked for the models by then: one that only makes vectors answers nothing.
    await workbench.chat().getByText("There is no model yet").waitFor();
    const ids = ["model", "review", "chat", "translate", "why"];
    expect(await Promise.all(ids.map((id) => step(id).isDone()))).toEqual(ids.map(() => false));
    await workbench.screenshot("walkthrough-before");
  });

  it("ticks the model when there is one, and each other step when it was done", async () => {
    await step("model").choose("Get a Model");
    await workbench.quickPickRows("Get a model").filter({ hasText: model }).click();
    await workbench.notification(`${model} is ready.`).waitFor();
    await isTicked("model");
    await workbench.chat().getByText("There is no model yet").waitFor({ state: "hidden" });
    await workbench.ask("Good day");
    await workbench.finishedAnswer();
    await workbench.openFile("average.ts");
    await workbench.runCommand("Switchyard: Review Selection or File");
    await expect.poll(() => workbench.chat().locator(".exchange").count()).toBe(2);
    await workbench.finishedAnswer();
    await workbench.openFile("short.md");
    await workbench.runCommand("Switchyard: Translate Document");
    await expect.poll(() => workbench.editorText(), { timeout: 60_000 }).toContain("Guten Tag");
    await workbench.runCommand("Switchyard: Which Model Would You Pick?");
    await workbench.answerInput("Which model would you pick?", "Is there a race condition in this?");
    await workbench.quickPickRows(`${model} would answer`).first().waitFor();
    await workbench.page.keyboard.press("Escape");
    await workbench.runCommand("Switchyard: Open Walkthrough");
    for (const id of ["chat", "review", "translate", "why", "services"]) await isTicked(id);
    await workbench.screenshot("walkthrough-after");
  });
});
