import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { entry } from "../store/sample-entries.ts";
import { servePages } from "./chat-page.ts";

const chinese = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "..", "media", "l10n", "bundle.l10n.zh-cn.json"), "utf8"),
);

it("says that a record is lost, and not that nothing has left; kept answers have their name", {
  timeout: 60_000,
}, async () => {
  const server = await servePages();
  try {
    const { page, send } = await server.open("ledger");
    const spending = { todayUsd: 0, dailyUsd: 2, monthUsd: 0, monthlyUsd: 20 };
    const lostRecord = "/home/me/.config/switchyard/switchyard.db.broken-1795000000000";
    const init = { kind: "init", locale: "zh-cn", strings: chinese, spending, lostRecord } as const;
    await send({ ...init, entries: [] });
    await page.getByText(lostRecord).waitFor();
    expect(await page.getByText(chinese["Nothing has left this machine."]).count()).toBe(0);
    await send({ ...init, entries: [entry("1", { task: "keep", model: "Redis", destination: "gpu-box:6379" })] });
    await page.getByRole("cell", { name: "保存的回答" }).waitFor();
    await page.screenshot({ path: "out/screenshots/ledger-lost.png" });
  } finally {
    await server.stop();
  }
});

it("shows what left in a narrow editor whole, each figure with its title", { timeout: 60_000 }, async () => {
  const server = await servePages();
  try {
    const { page, send } = await server.open("ledger");
    const long = { uri: "file:///home/me/a-folder/a-file-with-a-rather-long-name-that-goes-on.test.ts" };
    const spending = { todayUsd: 0.25, dailyUsd: 2, monthUsd: 0.25, monthlyUsd: 20 };
    const entries = [entry("1", { sources: [long] }), entry("2")];
    await send({ kind: "init", locale: "en", strings: {}, entries, spending });
    await page.getByText("a-file-with-a-rather-long-name").waitFor();
    const hidden = await page.locator(".scroll").evaluate((place) => place.scrollWidth - place.clientWidth);
    expect(hidden).toBeLessThanOrEqual(0);
    const titles = await page
      .locator("tbody tr")
      .first()
      .locator("td")
      .evaluateAll((cells) => cells.map((cell) => getComputedStyle(cell, "::before").content));
    expect(titles).toEqual(expect.arrayContaining(['"When"', '"Files"', '"Cost"', '"Outcome"']));
    await page.screenshot({ path: "out/screenshots/ledger-narrow.png" });
  } finally {
    await server.stop();
  }
});
