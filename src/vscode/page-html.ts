import * as vscode from "vscode";

/** The frame of a page: one script, its style and the icons; nothing from anywhere else can load or run. */
export function pageHtml(
  webview: vscode.Webview,
  extensionUri: vscode.Uri,
  page: "chat" | "monitor" | "ledger",
): string {
  const nonce = crypto.randomUUID().replaceAll("-", "");
  const file = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(pagesFolder(extensionUri), name)).toString();
  const policy = [
    "default-src 'none'",
    `img-src ${webview.cspSource} data:`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="${vscode.env.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="stylesheet" href="${file("codicon.css")}">
<link rel="stylesheet" href="${file(`${page}.css`)}">
<title>Switchyard</title>
</head>
<body>
<script nonce="${nonce}" src="${file(`${page}.js`)}"></script>
</body>
</html>`;
}

export function pagesFolder(extensionUri: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(extensionUri, "dist", "webview");
}
