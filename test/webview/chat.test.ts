import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { msg } from "../../src/core/message.ts";
import { accessibilityFaults } from "../harness/axe.ts";
import {
  badge,
  exchange,
  initial,
  type PageServer,
  type PageUnderTest,
  servePages,
  type Theme,
  themeNames,
} from "./chat-page.ts";

let server: PageServer;
beforeAll(async () => {
  server = await servePages();
});
afterAll(() => server.stop());

async function opened(theme: Theme = "light"): Promise<PageUnderTest> {
  const page = await server.open("chat", theme);
  await page.send(initial);
  await page.page.locator("#question").waitFor();
  return page;
}

const kinds = async (page: PageUnderTest) => (await page.sent()).map((message) => message.kind);

describe("the chat page", () => {
  it("says that it is ready, and shows what it can do while there is nothing yet", async () => {
    const page = await server.open();
    expect(await kinds(page)).toEqual(["ready"]);
    await page.send(initial);
    await page.page.getByRole("heading", { name: "Ask a model on your own machine" }).waitFor();
  });

  it("draws an answer as it comes and acknowledges what it has drawn", async () => {
    const page = await opened();
    await page.send({ kind: "exchange", exchange: exchange() });
    for (const [index, text] of ["Hello ", "**wor", "ld**\n\n```ts\nlet a", " = 1;\n```\n"].entries()) {
      await page.send({ kind: "delta", exchangeId: "e1", seq: index + 1, channel: "answer", text });
    }
    await page.page.locator(".answer strong", { hasText: "world" }).waitFor();
    await page.page.locator(".code-block button").first().waitFor();
    await expect.poll(async () => (await page.sent()).at(-1)).toEqual({ kind: "ack", seq: 4 });
  });

  it("sends on Enter, makes a new line on Shift+Enter, and leaves Enter to an input method", async () => {
    const page = await opened();
    const box = page.page.locator("#question");
    await box.fill("first");
    await box.press("Shift+Enter");
    await box.pressSequentially("second");
    expect(await box.inputValue()).toBe("first\nsecond");
    await box.evaluate((element) =>
      element.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true })),
    );
    expect(await kinds(page)).not.toContain("send");
    await box.press("Enter");
    expect((await page.sent()).at(-1)).toEqual({ kind: "send", text: "first\nsecond" });
    expect(await box.inputValue()).toBe("");
  });

  it("keeps a draft when the page is hidden and made again", async () => {
    const page = await opened();
    await page.page.locator("#question").fill("half a thought");
    await page.page.reload();
    await page.send(initial);
    await expect.poll(() => page.page.locator("#question").inputValue()).toBe("half a thought");
  });

  it("brings the last question back with Arrow Up in the empty box", async () => {
    const page = await opened();
    await page.send({ kind: "exchange", exchange: exchange({ state: "done", badge }) });
    await page.page.locator("#question").press("ArrowUp");
    expect(await page.page.locator("#question").inputValue()).toBe("What is this?");
  });

  it("stops with the button and with Escape", async () => {
    const page = await opened();
    await page.send({ kind: "exchange", exchange: exchange() });
    await page.page.locator(".exchange").getByRole("button", { name: "Stop" }).click();
    expect((await page.sent()).at(-1)).toEqual({ kind: "stop", exchangeId: "e1" });
    await page.page.locator("#question").press("Escape");
    expect((await page.sent()).filter((message) => message.kind === "stop")).toHaveLength(2);
  });

  it("shows the badge with why, and opens the source at its line", async () => {
    const page = await opened();
    await page.send({ kind: "exchange", exchange: exchange({ answer: "An answer.", state: "done", badge }) });
    const summary = page.page.locator(".badge summary");
    for (const fact of [
      "Explain",
      "smollm2:135m",
      "this machine",
      "0.42 s",
      "38.2 tokens/s",
      "812 tokens in, 240 out",
      "done",
    ]) {
      expect(await summary.innerText()).toContain(fact);
    }
    await summary.click();
    expect(await page.page.locator(".badge dl").innerText()).toContain("first choice for the role “general”");
    expect(await page.page.locator(".badge dl").innerText()).toContain("Seen: what is");
    await page.page.getByRole("button", { name: "a.ts:3-5" }).click();
    expect((await page.sent()).at(-1)).toEqual({ kind: "openSource", uri: "file:///a.ts", line: 3 });
  });

  it("says before the first word what is waited for, and what pointed to the task in words of the person", async () => {
    const page = await opened();
    const { badge: _, ...queued } = exchange({ state: "queued" });
    await page.send({ kind: "exchange", exchange: queued });
    const state = page.page.locator(".exchange .state");
    await page.send({ kind: "status", exchangeId: "e1", state: "queued", detail: "正在等待" });
    await expect.poll(() => state.innerText()).toContain("正在等待");
    await page.send({ kind: "status", exchangeId: "e1", state: "routing" });
    await expect.poll(() => state.innerText()).toContain("Choosing a model…");
    const evidence = [{ kind: "explain", seen: "command", by: "command", points: 1 }] as const;
    const route = { ...badge.route, classification: { ...badge.route.classification, evidence } };
    await page.send({ kind: "status", exchangeId: "e1", state: "routing", badge: { ...badge, route } });
    await expect.poll(() => state.innerText()).toContain("smollm2:135m is reading…");
    const away = { ...route, model: "claude-sonnet-5-5", place: "cloud" } as const;
    await page.send({ kind: "status", exchangeId: "e1", state: "routing", badge: { ...badge, route: away } });
    await expect.poll(() => state.innerText()).toContain("claude-sonnet-5-5 is asked once you allow it…");
    await page.send({ kind: "status", exchangeId: "e1", state: "done", badge: { ...badge, route } });
    await page.page.locator(".badge summary").click();
    expect(await page.page.locator(".badge dl").innerText()).toContain("Seen: the command you chose");
  });

  it("takes what the person says of an answer: good or bad, another kind of task, beside the first", async () => {
    const page = await opened();
    const done = exchange({ answer: "An answer.", state: "done", badge, retryOf: "e0" });
    await page.send({ kind: "exchange", exchange: done });
    const bad = page.page.getByRole("button", { name: "Bad answer" });
    await bad.click();
    await bad.click();
    expect(await bad.getAttribute("aria-pressed")).toBe("true");
    expect((await page.sent()).filter((message) => message.kind === "rate")).toEqual([
      { kind: "rate", exchangeId: "e1", isGood: false },
    ]);
    await page.page.locator(".badge summary").click();
    const chooser = page.page.getByRole("combobox", { name: "Kind of task" });
    expect(await chooser.inputValue()).toBe("explain");
    await chooser.selectOption("review");
    expect((await kinds(page)).includes("correct")).toBe(false);
    await page.page.getByRole("button", { name: "Ask again as this" }).click();
    expect((await page.sent()).at(-1)).toEqual({ kind: "correct", exchangeId: "e1", task: "review" });
    await page.page.getByRole("button", { name: "Compare with the first answer" }).click();
    expect((await page.sent()).at(-1)).toEqual({ kind: "compare", exchangeId: "e1" });
  });

  it("says that an answer was known, what one cost, and why a text stays here", async () => {
    const page = await opened();
    const localOnly = [{ label: "contract.ts", rule: { kind: "marker", folder: "/w/client" } as const }];
    const route = { ...badge.route, localOnly };
    const told = { ...badge, route, keptAtMs: Date.UTC(2026, 10, 23), costUsd: 0.0123 };
    await page.send({ kind: "exchange", exchange: exchange({ answer: "An answer.", state: "done", badge: told }) });
    const summary = page.page.locator(".badge summary");
    expect(await summary.innerText()).toContain("known answer");
    expect(await summary.innerText()).toContain("$0.0123");
    await summary.click();
    expect(await page.page.locator(".badge dl").innerText()).toContain(
      "contract.ts is local only (the file .localonly in /w/client)",
    );
  });

  it("says what failed and what helps", async () => {
    const page = await opened();
    await page.send({ kind: "exchange", exchange: exchange({ answer: "Half" }) });
    const error = { kind: "model-missing", text: "No model is installed." };
    await page.send({ kind: "status", exchangeId: "e1", state: "failed", error });
    await page.page.getByRole("alert").getByText("No model is installed.").waitFor();
    await page.page.getByRole("button", { name: "Get a Model…" }).click();
    expect((await page.sent()).at(-1)).toEqual({ kind: "command", name: "getModel" });
    expect(await page.page.locator(".answer").innerText()).toContain("Half");
    await page.page.getByRole("button", { name: "Try again", exact: true }).click();
    expect((await page.sent()).at(-1)).toEqual({ kind: "retry", exchangeId: "e1", pickModel: false });
  });

  it("asks nothing of the network, whatever an answer holds, and follows links only through the host", async () => {
    const page = await opened();
    const before = page.requests.length;
    const answer =
      "![x](https://evil.example/a.png?q=1) <img src='https://evil.example/b.png'> [go](https://example.com/page) [bad](command:x) <script>fetch('https://evil.example')</script>\n\n";
    await page.send({ kind: "exchange", exchange: exchange({ answer, state: "done", badge }) });
    await page.page.getByRole("link", { name: "go" }).click();
    expect((await page.sent()).at(-1)).toEqual({ kind: "openLink", href: "https://example.com/page" });
    await page.page.getByRole("link", { name: "go" }).press("Enter");
    expect((await page.sent()).filter((message) => message.kind === "openLink")).toHaveLength(2);
    expect(await page.page.getByRole("link", { name: "bad" }).count()).toBe(0);
    expect(await page.page.locator("a:not([data-href^='https://'])").count()).toBe(0);
    await page.page.waitForTimeout(300);
    expect(page.requests.slice(before)).toEqual([]);
    expect(page.page.url()).toContain("127.0.0.1");
  });

  it("ignores messages that are not of the protocol or come from another origin", async () => {
    const page = await opened();
    await page.page.evaluate(() => {
      window.postMessage({ kind: "exchange", exchange: 5 }, "*");
      window.postMessage({ kind: "nonsense" }, "*");
      window.postMessage(null, "*");
      const foreign = new MessageEvent("message", {
        origin: "https://evil.example",
        data: { kind: "focusInput", text: "rm -rf" },
      });
      window.dispatchEvent(foreign);
    });
    await page.page.waitForTimeout(100);
    expect(await page.page.locator(".exchange").count()).toBe(0);
    expect(await page.page.locator("#question").inputValue()).toBe("");
  });

  it.each(themeNames)("has no accessibility fault in %s", async (theme) => {
    const page = await opened(theme);
    const answer =
      "# Title\n\nText with `code` and [a `link`](https://example.com).\n\n- one\n- two\n\n> quoted `code`\n\n```ts\n// why\nconst a: number = 1;\nreturn `text`;\n```\n";
    const finding = {
      uri: "file:///a.ts",
      startLine: 3,
      endLine: 3,
      severity: "problem",
      title: "Off by one",
      body: "b",
      quote: "q",
    } as const;
    await page.send({ kind: "exchange", exchange: exchange({ answer, state: "done", badge, findings: [finding] }) });
    const error = { kind: "server-error", text: msg("It failed.") };
    const failed = { state: "failed", error, badge: { ...badge, outcome: "failed" } } as const;
    await page.send({ kind: "exchange", exchange: exchange({ id: "e0", ...failed }) });
    await page.send({ kind: "exchange", exchange: exchange({ id: "e2", answer: "half", thinking: "hm" }) });
    await page.page.locator(".badge summary").first().click();
    expect(await accessibilityFaults(page.page)).toEqual([]);
    await page.page.screenshot({ path: `out/screenshots/page-${theme}.png` });
  });

  it("reaches everything by keyboard and never loses the focus", async () => {
    const page = await opened();
    await page.send({ kind: "exchange", exchange: exchange({ answer: "```ts\na\n```\n", state: "done", badge }) });
    const names = new Set<string>();
    for (let step = 0; step < 25; step++) {
      await page.page.keyboard.press("Tab");
      names.add(
        await page.page.evaluate(
          () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.tagName ?? "",
        ),
      );
    }
    for (const name of ["Conversations", "New conversation", "Copy code", "Try again", "TEXTAREA", "SUMMARY", "Send"]) {
      expect([...names]).toContain(name);
    }
  });

  it("announces changes of state, not every word", async () => {
    const page = await opened();
    await page.send({ kind: "exchange", exchange: exchange() });
    await page.send({ kind: "status", exchangeId: "e1", state: "loading" });
    await page.page.locator("[role=status]", { hasText: "Loading the model…" }).waitFor({ state: "attached" });
    expect(await page.page.locator("[role=log]").getAttribute("aria-live")).toBe("off");
  });
});
