// The chat in the editor in high contrast, by keyboard alone, with nothing that moves.
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
import { accessibilityFaults } from "../harness/axe.ts";
import { keepFailures } from "../harness/keep-failures.ts";
import { openWorkbench, type Workbench } from "../harness/workbench.ts";

const answer = "# Sum\n\nIt adds `a` and `b`, see [here](https://example.com).\n\n```ts\nreturn a + b;\n```\n";
let ollama: ScriptedServer;
let workbench: Workbench;

beforeAll(async () => {
  ollama = await startScriptedServer({
    ...ollamaRoutes([{ name: "qwen2.5:0.5b", size: 398_000_000, digest: "a" }]),
    "POST /api/show": (_, response) => sendJson(response, { capabilities: ["completion"], model_info: {} }),
    "POST /api/chat": loadingFirst((_, response, body) => {
      beginLines(response);
      response.write(tokenLine(answer));
      // An answer without end, until it is stopped.
      if (!JSON.parse(body).messages.at(-1).content.includes("for ever")) response.end(doneLine());
    }),
  });
  workbench = await openWorkbench(process.env["SWITCHYARD_VSIX"] ?? "", {
    settings: {
      "switchyard.ollamaUrl": ollama.url,
      "switchyard.engine": "ollama",
      "switchyard.warmUp": false,
      "workbench.colorTheme": "Default High Contrast",
      "workbench.reduceMotion": "on",
    },
  });
}, 300_000);
keepFailures(() => workbench);
afterAll(async () => {
  await workbench?.stop();
  await ollama?.close();
});

async function frame() {
  const found = await (await workbench.chat().locator("body").elementHandle())?.ownerFrame();
  if (!found) throw new Error("The chat has no frame.");
  return found;
}

/** The page itself is transparent: the checker is told what the editor shows it on. */
async function faults(): Promise<readonly string[]> {
  const chat = await frame();
  await chat.evaluate(() => {
    document.documentElement.style.background = "var(--vscode-sideBar-background)";
  });
  return accessibilityFaults(chat);
}

describe("the chat in high contrast", { timeout: 300_000 }, () => {
  it("has no accessibility fault, empty and with an answer", async () => {
    await workbench.runCommand("Switchyard: Open Chat");
    await workbench.chat().locator("#question").waitFor();
    expect(await faults()).toEqual([]);
    await workbench.ask("What is this?");
    const shown = await workbench.finishedAnswer();
    await shown.locator(".code-block button").first().waitFor();
    await shown.locator(".badge summary").click();
    expect(await faults()).toEqual([]);
    await workbench.screenshot("chat-high-contrast");
  });

  it("is stopped and gone on with by keyboard, and nothing turns", async () => {
    const asked = await workbench.ask("Write for ever");
    await asked.locator(".answer h3").waitFor();
    expect(await workbench.chat().locator("body").getAttribute("class")).toContain("vscode-reduce-motion");
    const active = async () =>
      (await frame()).evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id);
    await expect.poll(active).toBe("question");
    const backTo = async (name: string) => {
      for (let step = 0; step < 20 && (await active()) !== name; step++)
        await workbench.page.keyboard.press("Shift+Tab");
      expect(await active()).toBe(name);
    };
    await backTo("Stop");
    await workbench.page.keyboard.press("Enter");
    await expect.poll(active).toBe("Copy answer");
    await backTo("Copy code");
    await workbench.page.keyboard.press("Enter");
    await expect.poll(() => workbench.page.evaluate(() => navigator.clipboard.readText())).toBe("return a + b;");
  });
});
