import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exchange, initial, type PageServer, type PageUnderTest, servePages } from "./chat-page.ts";

let server: PageServer;
beforeAll(async () => {
  server = await servePages();
});
afterAll(() => server.stop());

const long = Array.from({ length: 80 }, (_, at) => `Paragraph ${at} of a long answer.`).join("\n\n");

async function opened(): Promise<PageUnderTest> {
  const page = await server.open();
  await page.send({ ...initial, sessions: [] });
  await page.page.locator("#question").waitFor();
  await page.send({ kind: "exchange", exchange: exchange({ answer: long, state: "done" }) });
  return page;
}

const fromEnd = ({ page }: PageUnderTest) =>
  page.locator(".scroller").evaluate((frame) => frame.scrollHeight - frame.scrollTop - frame.clientHeight);
const distance = (page: PageUnderTest) => expect.poll(() => fromEnd(page));

describe("the end of the conversation", () => {
  it("stays in sight when the next question comes after a long answer", async () => {
    const page = await opened();
    await page.send({ kind: "exchange", exchange: exchange({ id: "e2", question: "And then?", state: "queued" }) });
    await distance(page).toBeLessThan(2);
    await page.page.getByRole("heading", { name: "And then?" }).waitFor();
    expect(await page.page.getByRole("heading", { name: "And then?" }).isVisible()).toBe(true);
  });

  it("stays in sight when something else takes away room", async () => {
    const page = await opened();
    await page.send({ kind: "sessions", sessions: [{ id: "s1", title: "First", updatedAtMs: 1 }] });
    await page.page.setViewportSize({ width: 300, height: 400 });
    await distance(page).toBeLessThan(2);
  });

  it("is left alone while the person reads further up, until they come back", async () => {
    const page = await opened();
    await distance(page).toBeLessThan(2);
    await page.page.locator(".scroller").hover();
    await page.page.mouse.wheel(0, -600);
    await distance(page).toBeGreaterThan(400);
    const before = await fromEnd(page);
    await page.send({ kind: "status", exchangeId: "e1", state: "done", notice: "One more line." });
    await page.page.getByText("One more line.").waitFor({ state: "attached" });
    expect(await fromEnd(page)).toBeGreaterThanOrEqual(before);
    await page.page.mouse.wheel(0, 5000);
    await distance(page).toBeLessThan(40);
    await page.send({ kind: "exchange", exchange: exchange({ id: "e2", answer: long, state: "done" }) });
    await distance(page).toBeLessThan(2);
  });

  it("shows a table whose words are whole, however narrow the view", async () => {
    const page = await opened();
    await page.page.setViewportSize({ width: 240, height: 500 });
    const table = "| Algorithm | Average | Memory |\n|---|---|---|\n| Quicksort | logarithmic | constant |\n";
    await page.send({ kind: "exchange", exchange: exchange({ id: "e2", answer: table, state: "done" }) });
    const heights = await page.page.locator("th").evaluateAll((cells) => cells.map((cell) => cell.clientHeight));
    expect(Math.max(...heights)).toBeLessThan(40);
  });
});
