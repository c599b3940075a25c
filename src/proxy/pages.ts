// A list in pages, as Anthropic's API has them: so many after one entry, or so many before one.
import * as z from "zod/mini";
import { ProxyError } from "./proxy-error.ts";
import { parseBody } from "./read-body.ts";

const between = "a whole number from 1 to 1000";
const pageSchema = z.object({
  limit: z.optional(z.string().check(z.regex(/^(?:[1-9]\d{0,2}|1000)$/, between))),
  after_id: z.optional(z.string()),
  before_id: z.optional(z.string()),
});

interface Page<Entry> {
  readonly data: readonly Entry[];
  /** Whether there is more in the direction that was asked for. */
  readonly has_more: boolean;
  readonly first_id: string | null;
  readonly last_id: string | null;
}

/**
 * Where no length is asked for, all of it: some clients read one page only.
 * @param asked what stands behind the `?` of the address
 * @throws ProxyError 400
 */
export function pageOf<Entry extends { readonly id: string }>(list: readonly Entry[], asked: unknown): Page<Entry> {
  const { limit, after_id: after, before_id: before } = parseBody(pageSchema, asked);
  if (after !== undefined && before !== undefined) {
    throw new ProxyError(400, "after_id: does not go together with before_id", { field: "after_id" });
  }
  const left =
    before !== undefined
      ? list.slice(0, placeOf(list, before, "before_id"))
      : list.slice(after === undefined ? 0 : placeOf(list, after, "after_id") + 1);
  const length = limit === undefined ? left.length : Number(limit);
  const data = before === undefined ? left.slice(0, length) : left.slice(Math.max(0, left.length - length));
  return {
    data,
    has_more: data.length < left.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}

function placeOf(list: readonly { readonly id: string }[], wanted: string, field: string): number {
  const at = list.findIndex(({ id }) => id === wanted);
  if (at < 0) throw new ProxyError(400, `${field}: there is no such model here`, { field });
  return at;
}
