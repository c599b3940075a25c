// The files for Prometheus and Grafana, as far as they can be looked at without either.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { dashboard, monitoringFiles } from "../../scripts/monitoring/files.ts";
import { rows } from "../../scripts/monitoring/panels.ts";

const folder = join(import.meta.dirname, "..", "..", "deploy", "monitoring");

it("has the files that the description makes; after a change: node scripts/monitoring.ts", async () => {
  for (const [path, text] of monitoringFiles()) expect(await readFile(join(folder, path), "utf8")).toBe(text);
});

it("has every figure of the design on its dashboard, in both languages", () => {
  const [en, zh] = [JSON.stringify(dashboard("en")), JSON.stringify(dashboard("zh"))];
  const wanted = [
    ["Processor", "处理器"],
    ["Memory", "内存"],
    ["GPU temperature", "GPU 温度"],
    ["Time to load a model", "模型加载时间"],
    ["Tokens per second", "每秒 token 数"],
    ["Average response time", "平均响应时间"],
    ["Error rate", "错误率"],
  ] as const;
  for (const [english, chinese] of wanted) {
    expect(en).toContain(`"title":"${english}"`);
    expect(zh).toContain(`"title":"${chinese}"`);
  }
});

it("lays out its panels side by side: none over another, none beyond the edge", () => {
  const { panels }: { panels: { gridPos: { x: number; y: number; w: number; h: number } }[] } = JSON.parse(
    JSON.stringify(dashboard("en")),
  );
  expect(panels).toHaveLength(rows.reduce((sum, row) => sum + 1 + row.panels.length, 0));
  const taken = new Set<string>();
  for (const { x, y, w, h } of panels.map((panel) => panel.gridPos)) {
    expect(x + w).toBeLessThanOrEqual(24);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        expect(taken.has(`${column} ${line}`)).toBe(false);
        taken.add(`${column} ${line}`);
      }
    }
  }
});
