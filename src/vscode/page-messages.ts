// What the page says is data from outside until it is read here.
import * as z from "zod/mini";
import { pageCommands, type ToHost } from "../core/page-protocol.ts";
import { taskKinds } from "../core/task.ts";

const id = z.string().check(z.maxLength(200));
const text = z.string().check(z.maxLength(4_000_000));

const messages = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready"), protocol: z.number(), sessionId: z.optional(id) }),
  z.object({ kind: z.literal("send"), text }),
  z.object({ kind: z.literal("stop"), exchangeId: id }),
  z.object({ kind: z.literal("retry"), exchangeId: id, pickModel: z.boolean() }),
  z.object({ kind: z.literal("correct"), exchangeId: id, task: z.enum(taskKinds) }),
  z.object({ kind: z.literal("rate"), exchangeId: id, isGood: z.boolean() }),
  z.object({ kind: z.literal("compare"), exchangeId: id }),
  z.object({ kind: z.literal("askBetter"), exchangeId: id }),
  z.object({ kind: z.literal("remedy"), exchangeId: id, model: z.optional(z.string().check(z.maxLength(300))) }),
  z.object({
    kind: z.literal("code"),
    exchangeId: id,
    action: z.enum(["copy", "insert", "diff"]),
    code: text,
    language: z.string(),
  }),
  z.object({ kind: z.literal("openSource"), uri: z.string(), line: z.optional(z.number()) }),
  z.object({ kind: z.literal("openLink"), href: z.string() }),
  z.object({ kind: z.literal("newSession") }),
  z.object({ kind: z.literal("openSession"), sessionId: id }),
  z.object({ kind: z.literal("deleteSession"), sessionId: id }),
  z.object({ kind: z.literal("pickModel") }),
  z.object({ kind: z.literal("command"), name: z.enum(pageCommands), argument: z.optional(id) }),
  z.object({ kind: z.literal("detach"), uri: z.string() }),
  z.object({ kind: z.literal("ack"), seq: z.number() }),
]);

/** Undefined for anything that is not a message of the protocol. */
export function readPageMessage(raw: unknown): ToHost | undefined {
  const parsed = messages.safeParse(raw);
  return parsed.success ? (parsed.data as ToHost) : undefined;
}
