import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { msg } from "../../src/core/message.ts";
import { exchange, initial, type PageServer, servePages } from "./chat-page.ts";

let server: PageServer;
beforeAll(async () => {
  server = await servePages();
});
afterAll(() => server.stop());

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
