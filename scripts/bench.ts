// npm run bench: one table, and the same as out/bench.json. Ratios are of values measured in this run.
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { measureBalance } from "./bench/balance.ts";
import { measureContainers } from "./bench/containers.ts";
import { measureEntry } from "./bench/entry.ts";
import { measureGateway } from "./bench/gateway.ts";
import type { Row } from "./bench/measure.ts";
import { measureOverhead } from "./bench/overhead.ts";
import { measurePage } from "./bench/page.ts";
import { measurePrivacy } from "./bench/privacy.ts";
import { measureStore } from "./bench/store.ts";
import { measureThroughput } from "./bench/throughput.ts";
import { ensureSmallModel } from "./model.ts";
import { mustRun, root } from "./run.ts";

await mustRun("node", ["esbuild.mjs"]);
if (process.argv.length === 2 && !(await ensureSmallModel()))
  console.log("No source of weights can be reached: generating is not measured.");

const parts: readonly [string, () => Promise<readonly Row[]>][] = [
  ["entry and package", measureEntry],
  ["gateway", measureGateway],
  ["balancing, simulated", measureBalance],
  ["overhead", measureOverhead],
  ["page", measurePage],
  ["privacy and classifier", measurePrivacy],
  ["store", measureStore],
  ["throughput", measureThroughput],
  ["containers", measureContainers],
];
const rows: Row[] = [];
// npm run bench -- gateway: those parts only.
const wanted = process.argv.slice(2);
for (const [name, measure] of parts.filter(([name]) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`… ${name}`);
  rows.push(...(await measure()));
}

const figure = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
console.log("\n| measure | value | peer in the same run | ratio | goal | met |\n|---|---|---|---|---|---|");
for (const { name, value, unit, peer, goal, isMet, note } of rows) {
  const other = peer ? `${peer.name}: ${figure(peer.value)}${note ? ` (${note})` : ""}` : "";
  const ratio = peer ? (value / peer.value).toFixed(3) : "";
  console.log(`| ${name} | ${figure(value)} ${unit} | ${other} | ${ratio} | ${goal} | ${isMet ? "yes" : "no"} |`);
}
await mkdir(join(root, "out"), { recursive: true });
const machine = { node: process.version, processor: cpus()[0]?.model ?? "", cores: cpus().length };
await writeFile(
  join(root, "out", "bench.json"),
  `${JSON.stringify({ date: new Date().toISOString(), machine, rows }, undefined, 2)}\n`,
);
process.exit(0);
