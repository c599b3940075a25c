// Publishes the service's MCP address to the editor's own agents. Only while it runs: else the editor asks to start it.
import * as vscode from "vscode";
import type { SharedService } from "./shared-service.ts";

export interface McpServers
  extends vscode.McpServerDefinitionProvider<vscode.McpHttpServerDefinition>,
    vscode.Disposable {
  provideMcpServerDefinitions(): vscode.McpHttpServerDefinition[];
}

export function createMcpServers(service: SharedService): McpServers {
  const changed = new vscode.EventEmitter<void>();
  const listening = service.onDidChange(() => changed.fire());
  return {
    onDidChangeMcpServerDefinitions: changed.event,
    provideMcpServerDefinitions() {
      const running = service.current();
      if (!running) return [];
      const headers = { Authorization: `Bearer ${running.token}` };
      const uri = vscode.Uri.parse(`${running.url}/mcp`);
      return [new vscode.McpHttpServerDefinition("Switchyard", uri, headers, running.version)];
    },
    dispose() {
      listening.dispose();
      changed.dispose();
    },
  };
}

/** Where the editor has such a place. */
export function registerMcpServers(servers: McpServers): vscode.Disposable {
  if (typeof vscode.lm?.registerMcpServerDefinitionProvider !== "function")
    return new vscode.Disposable(() => undefined);
  return vscode.lm.registerMcpServerDefinitionProvider("switchyard.mcp", servers);
}
