// The service for other programs and what the editor's agents and chat get of us, inside a real editor.
import assert from "node:assert/strict";
import * as vscode from "vscode";
import type { ExtensionApi } from "../../src/vscode/start.ts";
import { until } from "./workspace.ts";

const extension = vscode.extensions.getExtension<ExtensionApi>("switchyard.switchyard");

async function api(): Promise<ExtensionApi> {
  assert.ok(extension, "the extension is installed");
  return extension.activate();
}

/** Not awaited where a question stays open at its end. */
function run(command: string): void {
  void vscode.commands.executeCommand(command);
}

describe("the service for other programs", () => {
  it("is started by a command, answers with the models of the editor, and is published to the editor's agents", async () => {
    const { service, mcpServers } = await api();
    assert.deepEqual(mcpServers(), []);
    run("switchyard.startApi");
    await until(() => service() !== undefined);
    const { url, token } = service() ?? assert.fail("it runs");
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal((await fetch(`${url}/v1/models`)).status, 401);
    const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${token}` } });
    assert.match(await answer.text(), /smollm2:135m/);

    const [definition, ...others] = mcpServers();
    assert.ok(definition);
    assert.deepEqual(others, []);
    assert.equal(definition.uri.toString(), `${url}/mcp`);
    const initialize = {
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } },
    };
    const headers = { accept: "application/json, text/event-stream", "content-type": "application/json" };
    const greeting = await fetch(definition.uri.toString(), {
      method: "POST",
      headers: { ...headers, ...definition.headers },
      body: JSON.stringify(initialize),
    });
    assert.equal(greeting.status, 200);
    assert.match(await greeting.text(), /"name":"switchyard"/);
  });

  it("goes by the person's settings in the editor, also when they change", async () => {
    const { service } = await api();
    const { url, token } = service() ?? assert.fail("it runs");
    const configuration = vscode.workspace.getConfiguration("switchyard");
    const kept = async () => {
      const answer = await fetch(`${url}/api/generate`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ prompt: "word ".repeat(480), maxTokens: 5, task_type: "general" }),
      });
      return answer.status;
    };
    await configuration.update("maxContextTokens", 512, vscode.ConfigurationTarget.Global);
    try {
      await until(async () => (await kept()) === 400);
    } finally {
      await configuration.update("maxContextTokens", undefined, vscode.ConfigurationTarget.Global);
    }
    await until(async () => (await kept()) === 200);
  });

  it("is told what the window keeps here, for as long as it does", async () => {
    const { service } = await api();
    const { url, token } = service() ?? assert.fail("it runs");
    const configuration = vscode.workspace.getConfiguration("switchyard");
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? assert.fail("a folder is open");
    const says = async (text: string) =>
      (await (await fetch(`${url}/health`, { headers: { authorization: `Bearer ${token}` } })).text()).includes(text);
    const { Workspace } = vscode.ConfigurationTarget;
    await configuration.update("offline", true, Workspace);
    await until(() => says("A window of the editor is offline"));
    await configuration.update("offline", undefined, Workspace);
    await configuration.update("localOnly", true, Workspace);
    await until(() => says(`${JSON.stringify(folder).slice(1, -1)} is open in the editor and local only`));
    await configuration.update("localOnly", undefined, Workspace);
    await until(async () => !(await says("local only")));
  });

  it("gives its address and its token to who asks for them", async () => {
    const { service } = await api();
    const { url, token } = service() ?? assert.fail("it runs");
    await vscode.commands.executeCommand("switchyard.copyApiAddress");
    assert.equal(await vscode.env.clipboard.readText(), url);
    await vscode.commands.executeCommand("switchyard.copyApiToken");
    assert.equal(await vscode.env.clipboard.readText(), token);
  });

  it("is started anew when it is lost and the person wants it with the editor", async () => {
    const { service } = await api();
    const { url, token } = service() ?? assert.fail("it runs");
    const pid = async (at: string) => {
      const answer = await fetch(`${at}/health`, { headers: { authorization: `Bearer ${token}` } });
      const { pid: found }: { pid: number } = await answer.json();
      return found;
    };
    const configuration = vscode.workspace.getConfiguration("switchyard");
    await configuration.update("startService", true, vscode.ConfigurationTarget.Global);
    try {
      const lost = await pid(url);
      process.kill(lost, "SIGKILL");
      await until(async () => {
        const now = service();
        return now !== undefined && (await pid(now.url).catch(() => lost)) !== lost;
      });
    } finally {
      await configuration.update("startService", undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it("is stopped by a command, and the editor's agents are offered it no more", async () => {
    const { service, mcpServers } = await api();
    const { url } = service() ?? assert.fail("it runs");
    run("switchyard.stopApi");
    await until(() => service() === undefined);
    assert.deepEqual(mcpServers(), []);
    await until(async () =>
      fetch(`${url}/health`).then(
        () => false,
        () => true,
      ),
    );
  });
});

describe("the models in the editor's own chat", () => {
  it("are those that are installed, and one that is routed; tools are promised only where a model can use them", async () => {
    await api();
    const models = await vscode.lm.selectChatModels({ vendor: "switchyard" });
    const ids = models.map((model) => model.id);
    assert.ok(ids.includes("auto"), ids.join());
    assert.ok(ids.includes("smollm2:135m"), ids.join());
    for (const model of models) assert.ok(model.maxInputTokens > 256, `${model.id}: ${model.maxInputTokens}`);
  });

  it("answer, count tokens, and stop when they are told to", async () => {
    const [model] = await vscode.lm.selectChatModels({ vendor: "switchyard", id: "auto" });
    assert.ok(model);
    assert.ok((await model.countTokens("Some words to count.")) > 2);
    const hello = [vscode.LanguageModelChatMessage.User("Say hello in one short sentence.")];
    const answer = await model.sendRequest(hello, {});
    let text = "";
    for await (const piece of answer.text) text += piece;
    assert.match(text, /\w/);

    const stop = new vscode.CancellationTokenSource();
    const story = [vscode.LanguageModelChatMessage.User("Tell a story of a thousand words about a lighthouse.")];
    const long = await model.sendRequest(story, {}, stop.token);
    let pieces = 0;
    try {
      for await (const _ of long.text) if (++pieces === 3) stop.cancel();
    } catch {
      // The editor may say that it was cancelled.
    }
    assert.ok(pieces < 400, `${pieces} pieces after it was stopped`);
  });

  it("refuse tools where they cannot call any, instead of breaking off in the middle", async () => {
    const [model] = await vscode.lm.selectChatModels({ vendor: "switchyard", id: "smollm2:135m" });
    assert.ok(model);
    const hello = [vscode.LanguageModelChatMessage.User("What is the weather?")];
    const tools = [{ name: "weather", description: "Tells the weather", inputSchema: { type: "object" } }];
    await assert.rejects(async () => {
      const answer = await model.sendRequest(hello, { tools });
      for await (const _ of answer.text) assert.fail("it answered");
    }, /call tools/);
  });

  it("are not offered where the setting is off", async () => {
    const configuration = vscode.workspace.getConfiguration("switchyard");
    await configuration.update("chatModels", false, vscode.ConfigurationTarget.Workspace);
    try {
      await until(async () => (await vscode.lm.selectChatModels({ vendor: "switchyard" })).length === 0);
    } finally {
      await configuration.update("chatModels", undefined, vscode.ConfigurationTarget.Workspace);
    }
  });
});
