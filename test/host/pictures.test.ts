import assert from "node:assert/strict";
import * as vscode from "vscode";
import { gatherAttachments } from "../../src/vscode/gather-attachments.ts";
import { until } from "./workspace.ts";

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async function write(name: string, bytes: Uint8Array): Promise<vscode.Uri> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  assert.ok(folder, "a workspace is open");
  const uri = vscode.Uri.joinPath(folder, name);
  await vscode.workspace.fs.writeFile(uri, bytes);
  return uri;
}

describe("pictures in the chat", () => {
  it("are attached from the explorer, beside texts, and from the editor that shows one", async () => {
    const uri = await write("dot.png", Buffer.from(png, "base64"));
    const text = await write("dot.txt", Buffer.from("a dot"));
    const [picture, words] = await gatherAttachments([uri, [uri, text]]);
    assert.deepEqual(picture, { uri: uri.toString(), label: "dot.png", text: "", image: png, origin: "file" });
    assert.equal(words?.text, "a dot");
    await vscode.commands.executeCommand("vscode.open", uri);
    await until(() => vscode.window.tabGroups.activeTabGroup.activeTab?.label === "dot.png", 20_000);
    const [shown] = await gatherAttachments([]);
    assert.equal(shown?.image, png);
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
  });

  it("are none where only the name is one", async () => {
    const uri = await write("words.png", Buffer.from("no picture"));
    await assert.rejects(gatherAttachments([uri]), /words\.png is not a picture/);
  });
});
