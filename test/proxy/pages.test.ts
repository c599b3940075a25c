// The list of models in Anthropic's dialect comes in the pages that a client asks for.
import Anthropic from "@anthropic-ai/sdk";
import { expect, it } from "vitest";
import { known, startProxy, tag, token } from "./harness.ts";

const headers = { ...known, "anthropic-version": "2023-06-01" };

async function start() {
  const names = Array.from({ length: 30 }, (_, n) => `own${n}:7b`);
  const { url } = await startProxy({ models: names.map((name) => tag(name, "completion")) });
  const list = async (asked: string) => {
    const answer = await fetch(`${url}/v1/models${asked}`, { headers });
    return { status: answer.status, page: await answer.json() };
  };
  const { page: all } = await list("");
  const ids: readonly string[] = all.data.map(({ id }: { readonly id: string }) => id);
  return { url, list, all, ids };
}

it("is whole where no page is asked for", async () => {
  const { all, ids, list } = await start();
  expect(ids.length).toBeGreaterThan(30);
  expect(all).toMatchObject({ has_more: false, first_id: ids[0], last_id: ids.at(-1) });
  expect((await list("?limit=1000")).page).toEqual(all);
  expect((await list(`?after_id=${ids.at(-1)}`)).page).toEqual({
    data: [],
    has_more: false,
    first_id: null,
    last_id: null,
  });
});

it("goes forwards and backwards from an entry, and says whether there is more that way", async () => {
  const { ids, list } = await start();
  const idsOf = async (asked: string) => {
    const { data, has_more, first_id, last_id } = (await list(asked)).page;
    const found = data.map(({ id }: { readonly id: string }) => id);
    expect([first_id, last_id]).toEqual([found[0], found.at(-1)]);
    return [found, has_more];
  };
  expect(await idsOf("?limit=3")).toEqual([ids.slice(0, 3), true]);
  expect(await idsOf(`?limit=3&after_id=${ids[2]}`)).toEqual([ids.slice(3, 6), true]);
  expect(await idsOf(`?limit=3&after_id=${ids.at(-4)}`)).toEqual([ids.slice(-3), false]);
  expect(await idsOf(`?limit=3&before_id=${ids[6]}`)).toEqual([ids.slice(3, 6), true]);
  expect(await idsOf(`?limit=3&before_id=${ids[2]}`)).toEqual([ids.slice(0, 2), false]);
});

it("is read to its end by Anthropic's own client, page after page", async () => {
  const { url, ids } = await start();
  const client = new Anthropic({ baseURL: url, authToken: token, apiKey: null });
  const read: string[] = [];
  for await (const { id } of client.models.list({ limit: 7 })) read.push(id);
  expect(read).toEqual(ids);
});

it.each(["limit=0", "limit=1001", "limit=x", "limit=-1", "after_id=nobody", "before_id=nobody"])(
  "%s is refused by its name",
  async (asked) => {
    const { list } = await start();
    const { status, page } = await list(`?${asked}`);
    expect(status).toBe(400);
    expect(page).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
    expect(page.error.message).toContain(asked.split("=")[0]);
  },
);

it("goes one way at a time", async () => {
  const { list, ids } = await start();
  expect((await list(`?after_id=${ids[0]}&before_id=${ids[3]}`)).status).toBe(400);
});
