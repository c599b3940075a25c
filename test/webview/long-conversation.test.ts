// A conversation of many answers must not make the page slow.
import { afterAll, beforeAll, expect, it } from "vitest";
import { badge, exchange, initial, type PageServer, servePages } from "./chat-page.ts";

let server: PageServer;
beforeAll(async () => {
  server = await servePages();
});
afterAll(() => server.stop());

it("keeps 100 answers apart from a huge one, in bounded time", async () => {
  const page = await server.open();
  await page.send(initial);
  await page.page.locator("#question").waitFor();
  const long = Array.from({ length: 1500 }, (_, index) => `Paragraph ${index} with some words in it.`).join("\n\n");
  await page.send({ kind: "exchange", exchange: exchange({ answer: long, state: "done", badge }) });
  for (let index = 0; index < 100; index++) {
    await page.send({
      kind: "exchange",
      exchange: exchange({ id: `n${index}`, answer: "Short.", state: "done", badge }),
    });
  }
  await page.page.locator(".exchange").nth(100).waitFor();
  const longest = await page.page.evaluate(async () => {
    let worst = 0;
    for (let frame = 0; frame < 30; frame++) {
      const startMs = performance.now();
      await new Promise(requestAnimationFrame);
      worst = Math.max(worst, performance.now() - startMs);
    }
    return worst;
  });
  expect(longest).toBeLessThan(500);
});
