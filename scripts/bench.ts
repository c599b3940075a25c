// npm run bench: one table, and the same as out/bench.json. Ratios are of values measured in this run.
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { measureBalance } from "./bench/balance.ts";
import { measureContainers } from "./bench/containers.ts";
import { measureEntry } from "./bench/entry.ts";
import { measureFaults } from "./bench/faults.ts";
import { measureGateway } from "./bench/gateway.ts";
import type { Row } from "./bench/measure.ts";
import { measureOverhead } from "./bench/overhead.ts";
import { measurePage } from "./bench/page.ts";
import { measurePrivacy } from "./bench/privacy.ts";
import { measureStore } from "./bench/store.ts";
import { measureThroughput } from "./bench/throughput.ts";
import { ensureSmallModel } from "./model.ts";
import { mustRun, root } from "./run.ts";

const parts: readonly [string, () => Promise<readonly Row[]>][] = [
  ["entry", measureEntry],
  ["gateway", measureGateway],
  ["faults", measureFaults],
  ["balance", measureBalance],
  ["overhead", measureOverhead],
  ["page", measurePage],
  ["privacy", measurePrivacy],
  ["store", measureStore],
  ["throughput", measureThroughput],
  ["containers", measureContainers],
];
// npm run bench -- gateway: those parts only.
const wanted = process.argv.slice(2);
const unknown = wanted.filter((each) => !parts.some(([name]) => name === each));
if (unknown.length > 0)
  throw new Error(`there is no ${unknown.join(", ")}; there are ${parts.map(([name]) => name).join(", ")}`);

await mustRun("node", ["esbuild.mjs"]);
if (wanted.length === 0 && !(await ensureSmallModel()))
  console.log("No source of weights can be reached: generating is not measured.");

const rows: Row[] = [];
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
