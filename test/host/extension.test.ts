import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { ExtensionApi } from "../../src/vscode/start.ts";
import { openFile, until } from "./workspace.ts";

const extension = vscode.extensions.getExtension<ExtensionApi>("switchyard.switchyard");

async function api(): Promise<ExtensionApi> {
  assert.ok(extension, "the extension is installed");
  return extension.activate();
}

describe("the extension", () => {
  it("activates, and every command of its manifest is there", async () => {
    assert.equal((await api()).apiVersion, 1);
    const there = new Set(await vscode.commands.getCommands(true));
    const declared: { command: string }[] = extension?.packageJSON.contributes.commands;
    assert.ok(declared.length > 20);
    for (const { command } of declared) assert.ok(there.has(command), command);
  });

  it("reviews a file with the real model and shows the findings in the editor", async () => {
    const { app, session } = await api();
    const editor = await openFile("average.ts");
    await vscode.commands.executeCommand("switchyard.reviewSelection");
    const exchange = (await session()).exchanges.at(-1);
    assert.equal(exchange?.state, "done");
    assert.equal(exchange.badge?.route.task, "review");
    assert.equal(exchange.badge.route.place, "this-machine");
    assert.ok(exchange.badge.promptTokens && exchange.badge.promptTokens > 50);
    const shown = vscode.languages.getDiagnostics(editor.document.uri).filter((each) => each.source === "Switchyard");
    assert.equal(shown.length, exchange.findings.length);
    assert.equal((await app()).totals().errors, 0);
  });

  it("explains what several cursors selected, each as a source of its own", async () => {
    const { session } = await api();
    const editor = await openFile("average.ts");
    editor.selections = [new vscode.Selection(1, 0, 3, 0), new vscode.Selection(9, 0, 10, 0)];
    await vscode.commands.executeCommand("switchyard.explainSelection");
    const exchange = (await session()).exchanges.at(-1);
    assert.equal(exchange?.state, "done");
    assert.deepEqual(
      exchange.sources.map((source) => source.startLine),
      [2, 10],
    );
    // What a model this small says is its own affair; where it only repeats its instructions, that is said instead.
    assert.ok(exchange.answer.trim() !== "" || exchange.notices.length > 0);
  });

  it("refuses an empty file and a binary one with a message, and asks no model", async () => {
    const { session } = await api();
    const before = (await session()).exchanges.length;
    const empty = await vscode.workspace.openTextDocument({ content: "  \n", language: "python" });
    await vscode.window.showTextDocument(empty);
    await Promise.race([vscode.commands.executeCommand("switchyard.reviewSelection"), until(() => false, 1500, true)]);
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    assert.ok(folder);
    const binary = vscode.Uri.joinPath(folder, "picture.bin");
    await vscode.workspace.fs.writeFile(binary, new Uint8Array([1, 0, 2, 0, 0, 255, 254]));
    await Promise.race([
      vscode.commands.executeCommand("switchyard.reviewSelection", binary),
      until(() => false, 1500, true),
    ]);
    assert.equal((await session()).exchanges.length, before);
    await vscode.workspace.fs.delete(binary);
  });

  it("translates a document beside the original and leaves code and links as they are", async () => {
    await api();
    const original = await openFile("docs/guide.md");
    await vscode.commands.executeCommand("switchyard.translateDocument");
    const preview = vscode.workspace.textDocuments.find((each) => each.uri.scheme === "switchyard-translation");
    assert.ok(preview);
    assert.equal(preview.uri.path.endsWith("docs/guide.zh-CN.md"), true, preview.uri.path);
    assert.equal(preview.languageId, "markdown");
    await until(() => preview.getText().includes("npm ci"));
    assert.ok(preview.getText().includes("```sh\nnpm ci\n```"));
    assert.equal(original.document.isDirty, false);
    await vscode.commands.executeCommand("switchyard.saveTranslation");
    const saved = vscode.Uri.joinPath(original.document.uri, "..", "guide.zh-CN.md");
    await until(() => vscode.window.activeTextEditor?.document.uri.path === saved.path);
    const text = Buffer.from(await vscode.workspace.fs.readFile(saved)).toString("utf8");
    // The editor reads a preview that has changed a moment later.
    await until(() => preview.getText() === text);
  });

  it("says which model it would pick without running it", async () => {
    const { app } = await api();
    const route = await (await app()).preview({ text: "review this for bugs", sources: [], history: [] }, signal());
    assert.equal(route.task, "review");
    assert.ok(route.classification.evidence.length > 0);
    assert.ok(route.model.length > 0);
  });

  it("stops an answer at once, keeps what had arrived and marks it stopped", async function () {
    // A small model may have said all it has to say before it is stopped: then it is asked again.
    this.retries(3);
    const { ask, session } = await api();
    const before = (await session()).exchanges.length;
    const asking = ask("Write a very long story about a lighthouse, with ten chapters.");
    await until(async () => ((await session()).exchanges[before]?.answer.length ?? 0) > 20);
    await vscode.commands.executeCommand("switchyard.stopAll");
    const exchange = await asking;
    assert.equal(exchange.state, "stopped");
    assert.equal(exchange.badge?.outcome, "stopped");
    assert.ok(exchange.answer.length > 20);
  });

  it("keeps conversations on disk", async () => {
    const { app, session } = await api();
    const open = await session();
    const stored = await (await app()).sessions.load(open.id);
    assert.equal(stored?.exchanges.length, open.exchanges.length);
    assert.ok((await (await app()).sessions.list()).some((each) => each.id === open.id));
  });

  it("finds no model for a pinned name that is not installed, and offers what would help", async () => {
    const { ask } = await api();
    const configuration = vscode.workspace.getConfiguration("switchyard");
    await configuration.update("pinnedModels", { chat: "no-such-model:1b" }, vscode.ConfigurationTarget.Workspace);
    try {
      const exchange = await ask("hello there");
      assert.equal(exchange.state, "failed");
      assert.equal(exchange.error?.kind, "model-missing");
    } finally {
      await configuration.update("pinnedModels", undefined, vscode.ConfigurationTarget.Workspace);
    }
  });

  it("refuses a prompt that no context holds, with the numbers", async () => {
    const { session } = await api();
    const long = await vscode.workspace.openTextDocument({ content: "word ".repeat(60_000), language: "plaintext" });
    await vscode.window.showTextDocument(long);
    await vscode.commands.executeCommand("switchyard.explainSelection");
    const exchange = (await session()).exchanges.at(-1);
    assert.equal(exchange?.state, "failed");
    assert.equal(exchange.error?.kind, "context-overflow");
    assert.match(exchange.error.text.args.join(" "), /\d{4,}/);
  });
});

function signal(): AbortSignal {
  return new AbortController().signal;
}
