// Where nobody can tell what a question is, the page asks with one key, and nothing waits for the reply.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Badge } from "../../src/core/answer.ts";
import { msg } from "../../src/core/message.ts";
import { exchange, initial, type PageServer, type PageUnderTest, servePages } from "./chat-page.ts";

const badge = (confidence: number): Badge => ({
  route: {
    task: "code",
    classification: {
      kind: "code",
      language: "en",
      scores: { review: 0.05, translate: 0, explain: 0.25, document: 0, create: 0.2, analyze: 0.1, code: 0.3, chat: 0 },
      confidence,
      evidence: [],
    },
    role: "general",
    model: "smollm2:135m",
    backend: "built-in engine",
    place: "this-machine",
    why: msg("first choice for the role “{0}”", "general"),
    alternatives: [],
  },
  outcome: "done",
  totalMs: 0,
  estimated: true,
});

let server: PageServer;
beforeAll(async () => {
  server = await servePages();
});
afterAll(() => server.stop());

async function asked(confidence: number): Promise<PageUnderTest> {
  const page = await server.open("chat", "light");
  await page.send(initial);
  await page.page.locator("#question").waitFor();
  await page.send({ kind: "exchange", exchange: exchange({ state: "queued" }) });
  await page.send({ kind: "status", exchangeId: "e1", state: "routing", badge: badge(confidence) });
  return page;
}

const corrections = async (page: PageUnderTest) => (await page.sent()).filter(({ kind }) => kind === "correct");

describe("a question that nobody can place", () => {
  it("has its likeliest kinds offered, and one key says which it is, once", async () => {
    const page = await asked(0.3);
    const row = page.page.getByRole("group", { name: /Not sure what kind of task/ });
    await row.waitFor();
    expect(await row.getByRole("button").allTextContents()).toEqual(["1Code", "2Explain", "3Create"]);
    await page.page.locator("#question").focus();
    await page.page.keyboard.press("2");
    await row.waitFor({ state: "detached" });
    await page.page.keyboard.press("3");
    expect(await corrections(page)).toEqual([{ kind: "correct", exchangeId: "e1", task: "explain" }]);
    expect(await page.page.locator("#question").inputValue()).toBe("3");
  });

  it("leaves digits alone that are part of a text, and asks nothing once the answer is whole", async () => {
    const page = await asked(0.3);
    await page.page.locator("#question").fill("take ");
    await page.page.keyboard.type("2");
    expect(await page.page.locator("#question").inputValue()).toBe("take 2");
    await page.page.locator("#question").fill("");
    await page.send({ kind: "status", exchangeId: "e1", state: "done", badge: badge(0.3) });
    await page.page.locator(".unsure").waitFor({ state: "detached" });
    await page.page.locator("#question").focus();
    await page.page.keyboard.type("2");
    expect(await page.page.locator("#question").inputValue()).toBe("2");
    expect(await corrections(page)).toEqual([]);
  });

  it("is still asked about when the conversation is drawn anew", async () => {
    const page = await asked(0.3);
    const running = exchange({ id: "e2", state: "loading", badge: badge(0.3) });
    await page.send({ ...initial, session: { ...initial.session, exchanges: [running] } });
    await page.page.getByRole("group", { name: /Not sure what kind of task/ }).waitFor();
    await page.page.locator("#question").focus();
    await page.page.keyboard.press("1");
    await expect.poll(() => corrections(page)).toEqual([{ kind: "correct", exchangeId: "e2", task: "code" }]);
  });

  it("is not asked about where it is clear", async () => {
    const page = await asked(0.9);
    expect(await page.page.locator(".unsure").count()).toBe(0);
  });
});
