import { expect, it } from "vitest";
import { entry } from "../store/sample-entries.ts";
import { servePages } from "./chat-page.ts";

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
