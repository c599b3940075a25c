import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { msg } from "../../src/core/message.ts";
import { exchange, initial, type PageServer, servePages } from "./chat-page.ts";

let server: PageServer;
beforeAll(async () => {
  server = await servePages();
});
afterAll(() => server.stop());

it("has a button for what helps against it", { timeout: 60_000 }, async () => {
  const page = await server.open();
  await page.send(initial);
  const failed = (id: string, kind: string) => exchange({ id, state: "failed", error: { kind, text: msg("no") } });
  await page.send({ kind: "exchange", exchange: failed("e1", "server-error") });
  await page.page.getByRole("button", { name: "Advice…" }).click();
  await page.send({ kind: "exchange", exchange: failed("e1", "cloud-limit") });
  await page.page.getByRole("button", { name: "Open Settings" }).click();
  await page.send({ kind: "exchange", exchange: failed("e1", "containers-away") });
  await page.page.getByRole("button", { name: "Start Services" }).click();
  expect((await page.sent()).filter(({ kind }) => kind === "command")).toEqual([
    { kind: "command", name: "showAdvice" },
    { kind: "command", name: "openSettings", argument: "dailyBudgetUsd" },
    { kind: "command", name: "startServices" },
  ]);
});

it("holds an address that is wider than it", { timeout: 60_000 }, async () => {
  const page = await server.open();
  await page.page.setViewportSize({ width: 240, height: 600 });
  await page.send(initial);
  const text = msg("Tried: http://host.docker.internal:11434/of/a/gateway (name not found)");
  await page.send({ kind: "exchange", exchange: exchange({ state: "failed", error: { kind: "internal", text } }) });
  const box = page.page.locator(".error");
  await box.waitFor();
  expect(await box.evaluate((each) => each.scrollWidth - each.clientWidth)).toBe(0);
});

describe("a question that did not fit", () => {
  it("can be asked with a larger window or of a model that holds it, by one click each", async () => {
    const page = await server.open("chat", "light");
    await page.send(initial);
    const window = { contextTokens: 65_536, says: msg("It fits: {0} of {1}.", "9 GB", "60 GB"), lines: [] };
    const error = { kind: "context-overflow", text: msg("no"), remedies: { model: "a", window, models: ["b:8b"] } };
    await page.send({ kind: "exchange", exchange: exchange({ state: "failed", error }) });
    await page.page.getByRole("button", { name: "Use a window of 65536 tokens…" }).click();
    await page.page.getByRole("button", { name: "Ask b:8b, which holds it" }).click();
    expect((await page.sent()).filter(({ kind }) => kind === "remedy")).toEqual([
      { kind: "remedy", exchangeId: "e1" },
      { kind: "remedy", exchangeId: "e1", model: "b:8b" },
    ]);
  });
});
