// How long the extension's entry takes to evaluate, beside an extension that registers one command and nothing else.
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePackage } from "../package.ts";
import { root } from "../run.ts";
import { median, type Row } from "./measure.ts";

const rounds = 15;

/** The editor's API is there before an extension is loaded: here it is an object that answers everything. */
const stub = `
import { registerHooks } from "node:module";
const source = "const any = new Proxy(function () {}, { get: (_t, key) => (key === Symbol.toPrimitive ? () => 0 : any), apply: () => any, construct: () => any });"
  + "export const { " + NAMES + " } = any; export default any;";
registerHooks({
  resolve: (name, context, next) => (name === "vscode" ? { url: "stub:vscode", shortCircuit: true } : next(name, context)),
  load: (url, context, next) => (url === "stub:vscode" ? { format: "module", source, shortCircuit: true } : next(url, context)),
});
const before = performance.now();
await import(process.argv[2]);
console.log(performance.now() - before);
`;

export async function measureEntry(): Promise<readonly Row[]> {
  const vsix = await makePackage();
  const folder = join(root, "out", "bench");
  mkdirSync(folder, { recursive: true });
  const minimal = join(folder, "minimal.mjs");
  writeFileSync(
    minimal,
    'import * as vscode from "vscode";\nexport function activate(context) { context.subscriptions.push(vscode.commands.registerCommand("minimal.hello", () => vscode.window.showInformationMessage("Hello"))); }\n',
  );
  const runner = join(folder, "evaluate.mjs");
  writeFileSync(runner, stub.replace("NAMES", JSON.stringify(usedNames().join(", "))));
  const ours: number[] = [];
  const peer: number[] = [];
  const rest: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(evaluate(runner, join(root, "out", "package", "dist", "extension.js")));
    peer.push(evaluate(runner, minimal));
    rest.push(evaluate(runner, join(root, "out", "package", "dist", "start.js")));
  }
  const [value, other] = [median(ours), median(peer)];
  const megabytes = statSync(vsix).size / 1e6;
  return [
    {
      name: "evaluating the extension's entry",
      value,
      unit: "ms",
      peer: { name: "an extension with one command", value: other },
      goal: "≤ 25 ms and ≤ 1.3 × the peer",
      isMet: value <= 25 && value <= 1.3 * other,
    },
    {
      name: "reading the rest when it is activated",
      value: median(rest),
      unit: "ms",
      goal: "≤ 25 ms",
      isMet: median(rest) <= 25,
    },
    { name: "universal package", value: megabytes, unit: "MB", goal: "≤ 3 MB", isMet: megabytes <= 3 },
  ];
}

/** Everything of the editor's API that the extension names. */
function usedNames(): readonly string[] {
  const files = globSync(join(root, "src", "vscode", "*.ts"));
  const names = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/\bvscode\.([A-Za-z]\w*)/g)].map((match) => match[1] ?? ""),
  );
  return [...new Set(names)];
}

function evaluate(runner: string, file: string): number {
  return Number(execFileSync(process.execPath, [runner, `file://${file}`], { encoding: "utf8" }));
}
