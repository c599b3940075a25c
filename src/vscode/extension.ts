// Entry of the extension. Reading it costs the editor nothing worth mentioning; all the rest is read when it is needed.
import type * as vscode from "vscode";
import type { ExtensionApi } from "./start.ts";

export async function activate(context: vscode.ExtensionContext): Promise<ExtensionApi> {
  const { start } = await import("./start.ts");
  return start(context);
}

export async function deactivate(): Promise<void> {
  const { stop } = await import("./start.ts");
  await stop();
}
