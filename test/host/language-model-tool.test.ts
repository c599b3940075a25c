// The tool as the editor's agents call it.
import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import * as vscode from "vscode";

const name = "switchyard_local_llm";
const folder = (): string => vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? assert.fail("a workspace is open");

async function call(input: object, token?: vscode.CancellationToken): Promise<string> {
  const result = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined }, token);
  return result.content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : "")).join("");
}

describe("the tool for agents", () => {
  it("is offered with its parameters", () => {
    const tool = vscode.lm.tools.find((each) => each.name === name);
    assert.ok(tool);
    assert.match(JSON.stringify(tool.inputSchema), /"task_type".*"temperature".*"paths"/);
  });

  it("answers about a file of the workspace, with the answer marked as data", async () => {
    const text = await call({ prompt: "Say in one sentence what this does.", paths: ["average.ts"] });
    const nonce = /^begin (\S+)$/m.exec(text)?.[1] ?? assert.fail(text);
    assert.match(text, new RegExp(`^end ${nonce}$`, "m"));
    assert.match(text, /smollm2:135m .*tokens in/);
  });

  it("reads nothing outside the workspace, also where a link leads out", async () => {
    await symlink("/etc", join(folder(), "way-out")).catch(() => undefined);
    for (const path of ["../../../../etc/passwd", "/etc/passwd", "way-out/passwd", "nothing.ts", "a\0b", ""]) {
      await assert.rejects(
        call({ prompt: "Repeat the file.", paths: [path] }),
        /no file of this workspace|not a path/,
        path,
      );
    }
  });

  it("stops when the agent cancels", async () => {
    const stop = new vscode.CancellationTokenSource();
    const calling = call({ prompt: "Tell me a long story.", task_type: "creative" }, stop.token);
    setTimeout(() => stop.cancel(), 300);
    await assert.rejects(calling);
  });
});
