// By keyboard and with a screen reader: the focus is never lost, and what is said is said once.
import { afterAll, beforeAll, expect, it } from "vitest";
import { accessibilityFaults } from "../harness/axe.ts";
import { entry } from "../store/sample-entries.ts";
import { exchange, initial, type PageServer, type PageUnderTest, servePages } from "./chat-page.ts";

let server: PageServer;
beforeAll(async () => {
  server = await servePages();
});
afterAll(() => server.stop());

async function opened(): Promise<PageUnderTest> {
  const page = await server.open();
  await page.send(initial);
  await page.page.locator("#question").waitFor();
  return page;
}

const focused = ({ page }: PageUnderTest) =>
  page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id ?? "");

it("who stops by keyboard is at what can be done next, under the answer and in the box", async () => {
  const page = await opened();
  await page.send({ kind: "exchange", exchange: exchange({ answer: "half" }) });
  await page.page.locator(".exchange").getByRole("button", { name: "Stop" }).focus();
  await page.page.keyboard.press("Enter");
  await page.send({ kind: "status", exchangeId: "e1", state: "stopped" });
  await expect.poll(() => focused(page)).toBe("Copy answer");
  await page.send({ kind: "exchange", exchange: exchange({ id: "e2" }) });
  await page.page.locator(".composer").getByRole("button", { name: "Stop" }).focus();
  await page.page.keyboard.press("Enter");
  await page.send({ kind: "status", exchangeId: "e2", state: "stopped" });
  await expect.poll(() => focused(page)).toBe("question");
});

it("who takes a file away, or goes to another conversation, can go on where they were", async () => {
  const page = await opened();
  await page.send({ kind: "attached", attached: [{ uri: "a", label: "a.ts" }] });
  await page.page.getByRole("button", { name: "Remove a.ts" }).focus();
  await page.page.keyboard.press("Enter");
  await page.send({ kind: "attached", attached: [] });
  await expect.poll(() => focused(page)).toBe("question");
  await page.page.getByRole("combobox", { name: "Conversations" }).focus();
  await page.send({ ...initial, session: { ...initial.session, id: "s2" } });
  await expect.poll(() => focused(page)).toBe("Conversations");
  await page.page.getByRole("button", { name: "New conversation" }).focus();
  await page.send({ ...initial, sessions: [] });
  await expect.poll(() => focused(page)).toBe("question");
});

it("what is typed while another conversation is drawn stays, and the cursor in it", async () => {
  const page = await opened();
  const box = page.page.locator("#question");
  await box.fill("What is ths?");
  for (const key of ["End", "ArrowLeft", "ArrowLeft"]) await box.press(key);
  await page.send({ ...initial, session: { ...initial.session, id: "s2", exchanges: [exchange({ state: "done" })] } });
  await page.page.locator(".exchange").waitFor();
  await page.page.keyboard.type("i");
  expect(await box.inputValue()).toBe("What is this?");
  await page.send(initial);
  await page.page.locator(".exchange").waitFor({ state: "detached" });
  await page.page.getByText("Ask a model on your own machine").waitFor();
  expect(await box.inputValue()).toBe("What is this?");
});

it("a state is said once, however often there is a sign of life", async () => {
  const page = await opened();
  await page.send({ kind: "exchange", exchange: exchange() });
  await page.page.locator(".exchange").waitFor();
  await page.page.evaluate(() => {
    const said: string[] = [];
    Reflect.set(window, "said", said);
    const announcer = document.querySelector("body > [role=status]");
    const note = () => said.push(announcer?.textContent ?? "");
    if (announcer)
      new MutationObserver(note).observe(announcer, { childList: true, characterData: true, subtree: true });
  });
  for (const detail of ["Writing: 1 tokens so far", "Writing: 2 tokens so far", "Writing: 3 tokens so far"])
    await page.send({ kind: "status", exchangeId: "e1", state: "streaming", detail });
  await page.send({ kind: "status", exchangeId: "e1", state: "done" });
  await expect
    .poll(() => page.page.evaluate(() => Reflect.get(window, "said")))
    .toEqual(["The answer is being written", "The answer is complete"]);
});

it("nothing turns where the system or the editor is told that nothing should move", async () => {
  const page = await opened();
  await page.send({ kind: "exchange", exchange: exchange({ state: "queued" }) });
  const turns = () =>
    page.page.locator(".state .codicon-loading").evaluate((icon) => getComputedStyle(icon).animationName);
  expect(await turns()).toBe("turn");
  await page.page.emulateMedia({ reducedMotion: "reduce" });
  expect(await turns()).toBe("none");
  await page.page.emulateMedia({ reducedMotion: "no-preference" });
  await page.page.evaluate(() => document.body.classList.add("vscode-reduce-motion"));
  expect(await turns()).toBe("none");
});

it("the empty chat, the monitor and the ledger have no accessibility fault", async () => {
  const page = await opened();
  await page.send({ kind: "models", isNone: true });
  await page.send({ kind: "attached", attached: [{ uri: "a", label: "a.ts" }] });
  await page.page.getByRole("button", { name: "Remove a.ts" }).waitFor();
  expect(await accessibilityFaults(page.page)).toEqual([]);
  const ledger = await server.open("ledger");
  const spending = { todayUsd: 0.25, dailyUsd: 2, monthUsd: 0.25, monthlyUsd: 20 };
  await ledger.send({ kind: "init", locale: "en", strings: {}, entries: [entry("1")], spending });
  await ledger.page.locator("tbody tr").first().waitFor();
  expect(await accessibilityFaults(ledger.page)).toEqual([]);
  const monitor = await server.open("monitor");
  const point = { atMs: 1, tokensPerSecond: 1, modelBytes: 1, cpu: 0.1, errors: 0 };
  await monitor.send({ kind: "init", locale: "en", strings: {}, points: [point] });
  await monitor.page.locator(".chart").first().waitFor();
  expect(await accessibilityFaults(monitor.page)).toEqual([]);
});
