// The package as a person gets it, in a real editor and a real browser, on the small model of this run.
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeights } from "../../scripts/folders.ts";
import { keepFailures } from "../harness/keep-failures.ts";
import { openWorkbench, type Workbench } from "../harness/workbench.ts";

const vsix = process.env["SWITCHYARD_VSIX"] ?? "";
let workbench: Workbench;

beforeAll(async () => {
  workbench = await openWorkbench(vsix, {
    files: {
      "data.bin": Buffer.from([0, 1, 2, 255, 0]),
      "large.txt": "const x = 1;\n".repeat(900_000),
      "bare.ts": "export const one = 1;\n",
    },
  });
}, 300_000);
keepFailures(() => workbench);
afterAll(() => workbench.stop());

describe("the packaged extension", { timeout: 300_000 }, () => {
  it("shows the model picker and the monitor in the status bar", async () => {
    expect(await workbench.statusItem("model").innerText()).toContain("Auto");
    await workbench.statusItem("monitor").waitFor();
  });

  it("opens the chat with the cursor in its box, the first time too", async () => {
    await workbench.runCommand("Switchyard: Open Chat");
    const box = workbench.chat().locator("#question");
    await expect.poll(() => box.evaluate((each) => document.hasFocus() && document.activeElement === each)).toBe(true);
    await workbench.page.keyboard.type("What is this?");
    await expect.poll(() => box.inputValue()).toBe("What is this?");
    await box.fill("");
  });

  it("reviews the selection by right click, streams the answer and says where it ran", async () => {
    await workbench.openFile("average.ts");
    await workbench.selectLines(1, 8);
    await workbench.rightClick();
    await workbench.chooseInMenu("Review Selection or File");
    const answer = await workbench.finishedAnswer();
    const badge = await answer.locator(".badge summary").innerText();
    expect(badge).toMatch(/Review/);
    expect(badge).toMatch(/smollm2:135m/);
    expect(badge).toMatch(/this machine/);
    expect(badge).toMatch(/\d tokens\/s/);
    expect(badge).toMatch(/done/);
    await workbench.screenshot("review");
    const findings = await answer.locator(".finding").count();
    if (findings > 0) await workbench.problemMarks().first().waitFor();
  });

  it("has a submenu with its name in the editor's menu", async () => {
    await workbench.page.locator(".monaco-editor .view-lines").first().click();
    await workbench.rightClick();
    await workbench.menuItem("Switchyard").hover();
    await workbench.menuItem("Explain Selection").waitFor();
    await workbench.screenshot("context-menu");
    await workbench.page.keyboard.press("Escape");
    await workbench.page.keyboard.press("Escape");
  });

  // A small model may have said all it has to say before it is stopped: then it is asked again.
  it("answers in the chat while it is written, and stops at once", { retry: 3 }, async () => {
    await workbench.runCommand("Switchyard: Open Chat");
    const asked = await workbench.ask("Write a very long story about a lighthouse, with ten chapters.");
    const answer = asked.locator(".answer");
    await expect.poll(() => answer.innerText().then((text) => text.length), { timeout: 60_000 }).toBeGreaterThan(40);
    const early = (await answer.innerText()).length;
    await expect.poll(() => answer.innerText().then((text) => text.length), { timeout: 10_000 }).toBeGreaterThan(early);
    await workbench.screenshot("chat-streaming");
    await asked.getByRole("button", { name: "Stop" }).click();
    const stopped = await workbench.finishedAnswer();
    expect(await stopped.locator(".badge summary").innerText()).toContain("stopped");
  });

  it("says of a file that no editor shows as text what it is", async () => {
    // Which tab is open reaches extensions a moment later.
    const says = (command: string, text: string | RegExp) =>
      expect
        .poll(
          async () => {
            await workbench.runCommand(command);
            await workbench.page.waitForTimeout(1000);
            return workbench.notification(text).isVisible();
          },
          { timeout: 60_000 },
        )
        .toBe(true);
    const open = async (name: string, why: string) => {
      await workbench.openFile(name);
      await workbench.page.getByText(why).waitFor();
    };
    await open("data.bin", "either binary or uses an unsupported text encoding");
    await says("Switchyard: Review Selection or File", /data\.bin (cannot be read as text|is a binary file)/);
    await open("large.txt", "because it is very large");
    await says("Switchyard: Explain Selection", "large.txt has 11.2 MB; 10 MB is the most");
    await workbench.runCommand("View: Close All Editors");
  });

  it("keeps the conversation when the window is reloaded", async () => {
    const before = await workbench.chat().locator(".question").allInnerTexts();
    expect(before.length).toBeGreaterThan(1);
    await workbench.page.reload();
    await workbench.statusItem("model").waitFor({ timeout: 90_000 });
    await workbench.runCommand("Switchyard: Open Chat");
    await workbench.chat().locator(".exchange").first().waitFor();
    await expect.poll(() => workbench.chat().locator(".question").allInnerTexts()).toEqual(before);
  });

  // Random words hold no code block.
  it.skipIf(testWeights() === "tiny")("copies code, and shows it as a change before anything is written", async () => {
    await workbench.openFile("average.ts");
    await workbench.ask("Write a Python function that adds two numbers. Reply with one code block.");
    const answer = await workbench.finishedAnswer();
    const block = answer.locator(".code-block").first();
    if ((await block.count()) === 0) return expect(await answer.locator(".answer").innerText()).not.toBe("");
    await block.getByRole("button", { name: "Copy code" }).click();
    const code = await block.locator("pre").innerText();
    await expect
      .poll(() => workbench.page.evaluate(() => navigator.clipboard.readText()))
      .toBe(code.replace(/\n$/, ""));
    await block.getByRole("button", { name: "Apply as a change" }).click();
    await workbench.page.locator(".monaco-diff-editor").first().waitFor();
    await workbench.screenshot("proposed-change");
    await workbench.runCommand("View: Close All Editors");
  });

  it("translates a document beside it and leaves the code block as it is", async () => {
    await workbench.openFile("guide.md");
    await workbench.runCommand("Switchyard: Translate Document");
    const preview = workbench.page.locator(".tabs-container .tab", { hasText: "guide.zh-CN.md" });
    await preview.waitFor();
    await expect.poll(() => workbench.editorText(), { timeout: 90_000 }).toContain("handbook?page=2");
    expect(await workbench.editorText()).toContain("npm ci");
    await workbench.screenshot("translation");
    const original = await readFile(join(workbench.folder, "docs", "guide.md"), "utf8");
    expect(original).toContain("Run the installer first.");
  });

  it("leaves no empty editor where there is nothing to translate", async () => {
    await workbench.openFile("bare.ts");
    await workbench.runCommand("Switchyard: Translate Document");
    // What is longer than a line is shown whole, which a message is that has a button.
    const told = workbench.notification("bare.ts has no comments to translate");
    await told.getByRole("button", { name: "OK" }).waitFor();
    await workbench.page.locator(".tabs-container .tab", { hasText: "bare.zh-CN.ts" }).waitFor({ state: "detached" });
  });

  it("translates the documents of a folder in one go, whole ones beside their originals", async () => {
    const place = (name: string) => join(workbench.folder, "docs", name);
    // Nothing in it is for the model: whatever words that finds for the other one, this one is translated.
    await writeFile(place("install.md"), "```sh\nnpm ci\n```\n");
    await workbench.runCommand("Switchyard: Translate Documents…");
    await workbench.answerInput("Translate Documents", "docs/*.md");
    await workbench.quickPickRows().filter({ hasText: "NAME.zh-CN.md" }).first().click();
    await workbench.quickPickRows().filter({ hasText: "install.md" }).first().waitFor();
    // The third document reads as Chinese already.
    await expect.poll(() => workbench.quickPickRows().count()).toBe(2);
    await workbench.screenshot("translate-documents");
    await workbench.page.keyboard.press("Enter");
    const told = workbench.notification(/[12] of 2 documents translated/);
    await told.waitFor({ timeout: 120_000 });
    expect(await readFile(place("install.zh-CN.md"), "utf8")).toBe("```sh\nnpm ci\n```\n");
    // What the model did not finish is said, and not written.
    const isWhole = (await told.innerText()).includes("2 of 2");
    expect(existsSync(place("guide.zh-CN.md"))).toBe(isWhole);
    if (isWhole) expect(await readFile(place("guide.zh-CN.md"), "utf8")).toContain("```sh\nnpm ci\n```");
    expect((await readdir(join(workbench.folder, "docs"))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("lists models with size, place and whether they fit, and pins one for a kind of task", async () => {
    await workbench.statusItem("model").click();
    const row = workbench.quickPickRows().filter({ hasText: "smollm2:135m" }).first();
    await row.waitFor();
    expect(await row.innerText()).toMatch(/MB/);
    expect(await row.innerText()).toMatch(/fits this machine/);
    await workbench.screenshot("model-picker");
    await workbench.quickPickRows().filter({ hasText: "Explain" }).first().click();
    await workbench.quickPickRows("Model for: Explain").filter({ hasText: "smollm2:135m" }).first().click();
    await expect.poll(() => workbench.statusItem("model").innerText()).toContain("1 pinned");
  });

  it("says before running which model it would pick and why", async () => {
    await workbench.runCommand("Switchyard: Which Model Would You Pick?");
    await workbench.answerInput("Which model would you pick?", "review this function for bugs");
    await workbench.quickPickRows().filter({ hasText: "Review" }).first().waitFor();
    expect(await workbench.quickPickRows().filter({ hasText: "Seen:" }).first().innerText()).toContain("review");
    await workbench.screenshot("which-model");
    await workbench.page.keyboard.press("Escape");
  });

  it("shows live charts in the monitor", async () => {
    await workbench.statusItem("monitor").click();
    const monitor = workbench.webview("monitor");
    await monitor.locator(".chart").first().waitFor();
    await expect.poll(() => monitor.locator(".chart canvas").count()).toBe(5);
    await workbench.screenshot("monitor");
  });

  it("asks nothing of any other machine for what it shows", () => {
    expect(workbench.foreignRequests.filter((address) => !address.includes("open-vsx.org"))).toEqual([]);
  });
});
