import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as vscode from "vscode";
import type { ExtensionApi } from "../../src/vscode/start.ts";
import { openFile, until } from "./workspace.ts";

const extension = vscode.extensions.getExtension<ExtensionApi>("switchyard.switchyard");

function git(...args: readonly string[]): void {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const who = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
  execFileSync("git", [...who, ...args], { cwd: folder, stdio: "pipe" });
}

describe("a review of changes", () => {
  it("says so where no repository is open, and asks no model", async () => {
    const session = (await extension?.activate())?.session;
    assert.ok(session);
    const before = (await session()).exchanges.length;
    // Its message stays until it is answered.
    const asked = vscode.commands.executeCommand("switchyard.reviewChanges");
    await Promise.race([asked, until(() => false, 1500, true)]);
    assert.equal((await session()).exchanges.length, before);
  });

  it("is of what changed since the last commit, unsaved changes too, with the lines around", async () => {
    const session = (await extension?.activate())?.session;
    assert.ok(session);
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    assert.ok(folder);
    const long = vscode.Uri.joinPath(folder, "long.ts");
    const lines = Array.from({ length: 100 }, (_, index) => `export const value${index + 1} = ${index + 1};`);
    await vscode.workspace.fs.writeFile(long, Buffer.from(`${lines.join("\n")}\n`));
    git("init", "-q");
    git("add", "-A");
    git("commit", "-qm", "one");
    await vscode.commands.executeCommand("git.openRepository", folder.fsPath);
    await vscode.workspace.fs.writeFile(vscode.Uri.joinPath(folder, "package-lock.json"), Buffer.from("{}\n"));
    const editor = await openFile("long.ts");
    // The file on the disk is as it was committed.
    await editor.edit((edit) => edit.replace(editor.document.lineAt(49).range, "export const value50 = 1 / 0;"));
    const before = (await session()).exchanges.length;
    await vscode.commands.executeCommand("switchyard.reviewChanges");
    const exchange = (await session()).exchanges[before];
    assert.equal(exchange?.state, "done");
    assert.equal(exchange.question, "Review Changes: long.ts");
    assert.equal(exchange.badge?.route.task, "review");
    assert.deepEqual(
      exchange.sources.map(({ uri, startLine, endLine }) => [uri, startLine, endLine]),
      [[long.toString(), 30, 70]],
    );
    await vscode.commands.executeCommand("workbench.action.files.revert");
  });
});
