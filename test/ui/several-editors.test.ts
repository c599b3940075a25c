// Several editors and several cursors: what an answer holds goes where it was asked about, whatever is active by then.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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
import { openWorkbench, type Workbench } from "../harness/workbench.ts";

const adder = "export function add(a: number, b: number) {\n  return a - b;\n}\n";
const two = `${adder}\nexport function twice(n: number) {\n  return n * 3;\n}\n`;
const files = {
  "add.ts": adder,
  "two.ts": two,
  "other.ts": "export const other = 1;\n",
  "reviewed.ts": "export const first = 1;\nexport const wrong = 1 / 0;\n",
  "lines.md": "第一行。\n第二行。\n",
};
const block = (code: string) => `Here:\n\n\`\`\`ts\n${code}\n\`\`\`\n`;
const mended = "export function add(a: number, b: number) {\n  return a + b;\n}";
const finding = {
  line: 2,
  quote: "export const wrong = 1 / 0;",
  title: "This is Infinity",
  body: "It divides by zero.",
  severity: "problem",
};
/** What the model says to a prompt that holds the words; the first that does counts. */
const answers: readonly (readonly [string, string])[] = [
  ["第一行", "The first line."],
  ["第二行", "The second line."],
  ["TSDoc comment", block("/** What it does. */")],
  ["wrong = 1 / 0", JSON.stringify({ findings: [finding] })],
  ["a constant", block("export const added = 2;")],
  ["", block(mended)],
];
/** Its findings are told only then. */
const edited = Promise.withResolvers<void>();
let ollama: ScriptedServer;
let workbench: Workbench;

beforeAll(async () => {
  ollama = await startScriptedServer({
    ...ollamaRoutes([{ name: "qwen2.5:0.5b", size: 398_000_000, digest: "a" }]),
    "POST /api/show": (_, response) => sendJson(response, { capabilities: ["completion"], model_info: {} }),
    "POST /api/chat": loadingFirst(async (_, response, body) => {
      const messages: readonly { content: string }[] = JSON.parse(body).messages;
      const said = `${messages[0]?.content}\n${messages.at(-1)?.content}`;
      if (said.includes(finding.quote)) await edited.promise;
      beginLines(response);
      response.end(tokenLine(answers.find(([words]) => said.includes(words))?.[1] ?? "") + doneLine());
    }),
  });
  workbench = await openWorkbench(process.env["SWITCHYARD_VSIX"] ?? "", {
    settings: {
      "switchyard.ollamaUrl": ollama.url,
      "switchyard.engine": "ollama",
      "switchyard.warmUp": false,
      // What is on the disk is what the editor holds.
      "files.autoSave": "afterDelay",
      "files.autoSaveDelay": 100,
      "workbench.editor.alwaysShowEditorActions": true,
    },
    files,
  });
}, 300_000);
beforeEach(() => workbench.runCommand("View: Close All Editors"));
keepFailures(() => workbench);
afterAll(async () => {
  await workbench?.stop();
  await ollama?.close();
});

/** Opens the file in a group of its own to the right. */
async function openBeside(name: string): Promise<void> {
  await workbench.runCommand("View: Split Editor Right");
  await workbench.openFile(name);
}

const saved = (name: string) => readFile(join(workbench.folder, name), "utf8");

async function explain(): Promise<void> {
  const before = await workbench.chat().locator(".exchange").count();
  await workbench.runCommand("Switchyard: Explain Selection");
  await expect.poll(() => workbench.chat().locator(".exchange").count(), { timeout: 60_000 }).toBe(before + 1);
}

const use = async (button: string) => {
  const answer = await workbench.finishedAnswer();
  await answer.locator(".code-block").last().getByRole("button", { name: button }).click();
};
const groups = () => workbench.page.locator(".editor-group-container").count();

describe("with several editors", { timeout: 300_000 }, () => {
  it("a change is of the selection that was asked about, though another file is active by then", async () => {
    await workbench.openFile("add.ts");
    await workbench.selectLines(1, 3);
    await explain();
    await openBeside("other.ts");
    await use("Apply as a change");
    await workbench.page.getByText("add.ts: proposed change").first().waitFor();
    await workbench.screenshot("change-where-asked");
    await workbench.editorAction("Apply Change").first().click();
    await expect.poll(() => saved("add.ts")).toBe(`${mended}\n`);
    expect(await saved("other.ts")).toBe(files["other.ts"]);
  });

  it("a selection that has moved is found again, and one that is gone is said", async () => {
    await workbench.openFile("two.ts");
    await workbench.selectLines(1, 3);
    await explain();
    await workbench.page.locator(".editor-group-container.active .monaco-editor .view-lines").first().click();
    await workbench.page.keyboard.press("Control+Home");
    await workbench.page.keyboard.type("let above;\n");
    await use("Apply as a change");
    await workbench.page.getByText("two.ts: proposed change").first().waitFor();
    await workbench.editorAction("Apply Change").first().click();
    await expect.poll(() => saved("two.ts")).toBe(`let above;\n${two.replace("a - b", "a + b")}`);
    await use("Apply as a change");
    await workbench.notification("The code this answer is about has changed or is gone").waitFor();
  });

  it("code is inserted where it was asked, or where the cursor is now: the person says which", async () => {
    await workbench.openFile("other.ts");
    await workbench.runCommand("Switchyard: Open Chat");
    await workbench.ask("Write a constant");
    await workbench.openFile("add.ts");
    await use("Insert at cursor");
    await workbench.screenshot("insert-where");
    const rows = workbench.quickPickRows("Insert where?");
    expect(await rows.allInnerTexts()).toEqual([
      expect.stringContaining("other.ts"),
      expect.stringContaining("add.ts"),
    ]);
    await rows.filter({ hasText: "where you asked" }).click();
    await expect.poll(() => saved("other.ts")).toBe(`export const added = 2;${files["other.ts"]}`);
    await use("Insert at cursor");
    await expect
      .poll(() => saved("other.ts"))
      .toBe(`export const added = 2;export const added = 2;${files["other.ts"]}`);
  });

  it("a finding is where its code is, though the file was edited while it was reviewed", async () => {
    await workbench.openFile("reviewed.ts");
    const before = ollama.requests.length;
    await workbench.runCommand("Switchyard: Review Selection or File");
    await expect.poll(() => ollama.requests.slice(before)).toContain("POST /api/chat");
    await workbench.page.locator(".editor-group-container.active .monaco-editor .view-lines").first().click();
    await workbench.page.keyboard.press("Control+Home");
    await workbench.page.keyboard.type("let above;\nlet more;\n");
    edited.resolve();
    await workbench.finishedAnswer();
    await workbench.runCommand("Switchyard: Next Finding");
    await workbench.page.getByText("Ln 4, Col 1").waitFor();
    await workbench.runCommand("Switchyard: Clear Findings");
  });

  it("a file chosen in the explorer is meant as a whole, though a part of it is selected in its editor", async () => {
    await workbench.openFile("two.ts");
    await workbench.selectLines(2, 2);
    const before = await workbench.chat().locator(".exchange").count();
    await workbench.runCommand("View: Show Explorer");
    await workbench.explorerRow("two.ts").click({ button: "right" });
    await workbench.chooseInSubmenu("Switchyard", "Explain Selection");
    await expect.poll(() => workbench.chat().locator(".exchange").count(), { timeout: 60_000 }).toBe(before + 1);
    const answer = await workbench.finishedAnswer();
    expect(await answer.locator(".sources").innerText()).toBe("two.ts");
  });

  it("of two groups with the same file the one where it was asked is meant", async () => {
    await workbench.openFile("two.ts");
    await workbench.selectLines(2, 2);
    await workbench.page.keyboard.press("ArrowRight");
    await workbench.runCommand("Switchyard: Open Chat");
    await workbench.ask("Write a constant");
    await workbench.finishedAnswer();
    await workbench.runCommand("View: Split Editor Right");
    await workbench.page.locator(".editor-group-container.active .monaco-editor .view-lines").first().click();
    await workbench.page.keyboard.press("Control+End");
    await use("Insert at cursor");
    const rows = workbench.quickPickRows("Insert where?");
    await expect
      .poll(() => rows.allInnerTexts())
      .toEqual([expect.stringContaining("line 3"), expect.stringContaining("where the cursor is now")]);
    await workbench.page.keyboard.press("Escape");
  });
});

describe("with several cursors", { timeout: 300_000 }, () => {
  it("each selection is translated, in one group beside, and replaced where it stood", async () => {
    await workbench.openFile("lines.md");
    await workbench.selectLines(1, 2);
    await workbench.runCommand("Add Cursors to Line Ends");
    await workbench.page.keyboard.press("Shift+Home");
    await workbench.runCommand("Switchyard: Translate Selection");
    const tabs = workbench.page.locator(".tabs-container .tab", { hasText: "lines.en" });
    const names = () => tabs.allInnerTexts().then((texts) => texts.map((text) => text.replaceAll("\n", "")));
    await expect.poll(names, { timeout: 60_000 }).toEqual(["lines.en (1:1).md", "lines.en (2:1).md"]);
    expect(await groups()).toBe(2);
    await expect.poll(() => workbench.editorText()).toContain("The first line.");
    await workbench.screenshot("several-translated");
    await tabs.last().click();
    await workbench.runCommand("View: Move Editor into Next Group");
    await expect.poll(() => workbench.editorText()).toContain("The second line.");
    // The button of the other translation, whose group is not the active one.
    await workbench.editorAction("Replace Original with Translation").first().click();
    await expect.poll(() => saved("lines.md")).toBe("The first line.\n第二行。\n");
    await tabs.last().click();
    await workbench.runCommand("Switchyard: Replace Original with Translation");
    await expect.poll(() => saved("lines.md")).toBe("The first line.\nThe second line.\n");
  });

  it("the symbol at each is documented, in one change", async () => {
    await workbench.openFile("two.ts");
    await workbench.runCommand("Select All");
    await workbench.page.keyboard.press("ArrowLeft");
    const lines = workbench.page.locator(".editor-group-container.active .view-line");
    await lines.filter({ hasText: "add" }).first().click();
    await lines
      .filter({ hasText: "twice" })
      .first()
      .click({ modifiers: ["Alt"] });
    await workbench.runCommand("Switchyard: Write Documentation for Symbol");
    await workbench.notification("The documentation for add, twice is written.").waitFor({ timeout: 60_000 });
    await workbench.notification("is written").getByText("Show as Change").click();
    await workbench.page.getByText("two.ts: proposed change").first().waitFor();
    await workbench.editorAction("Apply Change").first().click();
    await expect
      .poll(async () => (await saved("two.ts")).match(/\/\*\* What it does\. \*\/\nexport function/g))
      .toHaveLength(2);
  });
});
