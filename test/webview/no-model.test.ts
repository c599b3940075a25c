import { expect, it } from "vitest";
import { initial, servePages } from "./chat-page.ts";

it("the chat says while there is no model how to get one, and no longer once there is", {
  timeout: 60_000,
}, async () => {
  const server = await servePages();
  try {
    const { page, send, sent } = await server.open();
    await send(initial);
    const get = page.getByRole("button", { name: "Get a Model…" });
    await get.waitFor({ state: "hidden" });
    await send({ kind: "models", isNone: true });
    await get.click();
    await send({ ...initial, session: { ...initial.session, id: "s2" } });
    await page.locator("header option[value=s2]").waitFor({ state: "attached" });
    expect(await get.isVisible()).toBe(true);
    expect((await sent()).at(-1)).toEqual({ kind: "command", name: "getModel" });
    await send({ kind: "models", isNone: false });
    await get.waitFor({ state: "hidden" });
  } finally {
    await server.stop();
  }
});
