// What comes from the host is checked in shape once, here.
import * as z from "zod/mini";
import type { ToLedgerPage, ToMonitorPage, ToPage } from "../core/page-protocol.ts";

const list = z.array(z.looseObject({}));
const session = z.looseObject({
  id: z.string(),
  exchanges: z.array(z.looseObject({ id: z.string(), question: z.string(), answer: z.string() })),
});

const messages = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.literal("init"),
    protocol: z.number(),
    locale: z.string(),
    strings: z.record(z.string(), z.string()),
    session,
    sessions: list,
    modelLabel: z.string(),
    attached: list,
    seq: z.number(),
  }),
  z.looseObject({ kind: z.literal("exchange"), exchange: z.looseObject({ id: z.string(), question: z.string() }) }),
  z.looseObject({
    kind: z.literal("delta"),
    exchangeId: z.string(),
    seq: z.number(),
    channel: z.enum(["answer", "thinking"]),
    text: z.string(),
  }),
  z.looseObject({ kind: z.literal("status"), exchangeId: z.string(), state: z.string() }),
  z.looseObject({ kind: z.literal("sessions"), sessions: list }),
  z.looseObject({ kind: z.literal("model"), label: z.string() }),
  z.looseObject({ kind: z.literal("models"), isNone: z.boolean() }),
  z.looseObject({ kind: z.literal("attached"), attached: list }),
  z.looseObject({ kind: z.literal("focusInput"), text: z.optional(z.string()) }),
]);

/** Undefined for anything that is not a message of the protocol. */
export function readHostMessage(raw: unknown): ToPage | undefined {
  const parsed = messages.safeParse(raw);
  return parsed.success ? (parsed.data as unknown as ToPage) : undefined;
}

const monitorMessages = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.literal("init"),
    locale: z.string(),
    strings: z.record(z.string(), z.string()),
    points: list,
  }),
  z.looseObject({ kind: z.literal("points"), points: list }),
  z.looseObject({
    kind: z.literal("totals"),
    answers: z.number(),
    errors: z.number(),
    spentUsd: z.number(),
    spentMonthUsd: z.number(),
    dailyBudgetUsd: z.number(),
    monthlyBudgetUsd: z.number(),
    cloudUsd: z.number(),
    loaded: list,
  }),
]);

export function readMonitorMessage(raw: unknown): ToMonitorPage | undefined {
  const parsed = monitorMessages.safeParse(raw);
  return parsed.success ? (parsed.data as unknown as ToMonitorPage) : undefined;
}

const ledgerMessage = z.looseObject({
  kind: z.literal("init"),
  locale: z.string(),
  strings: z.record(z.string(), z.string()),
  entries: z.array(z.looseObject({ id: z.string(), atMs: z.number(), sources: list })),
  lostRecord: z.exactOptional(z.string()),
  spending: z.record(z.string(), z.number()),
});

export function readLedgerMessage(raw: unknown): ToLedgerPage | undefined {
  const parsed = ledgerMessage.safeParse(raw);
  return parsed.success ? (parsed.data as unknown as ToLedgerPage) : undefined;
}
