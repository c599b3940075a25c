// Generated requests for Claude: each goes out as it is, with an entry before it, or nothing of it goes.
import fc from "fast-check";
import { expect, it } from "vitest";
import type { PassRequest } from "../../src/core/claude-pass.ts";
import { refuseOverBudget } from "../../src/core/cost.ts";
import type { Ledger, LedgerEntry } from "../../src/core/ledger.ts";
import type { PathMark } from "../../src/core/path-marks.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { createClaudePass } from "../../src/tasks/pass-claude.ts";

const token = "sy-canary-3f1e";
// In two parts, so that nothing takes this file for one that holds a key.
const secret = ["ghp", "16C7e42F292c6912E7710c838347Ae178B4a"].join("_");
const keptFile = "/w/private/notes.md";
const model = "claude-sonnet-5-5";

interface World {
  readonly settings: Partial<Settings>;
  readonly held: boolean;
  readonly ownKey: string | undefined;
  readonly ledgerFails: boolean;
}

function createWorld({ settings, held, ownKey, ledgerFails }: World) {
  const entries: LedgerEntry[] = [];
  const sent: Pick<PassRequest, "path" | "headers" | "body">[] = [];
  const record = async (entry: LedgerEntry) => {
    if (ledgerFails) throw new TaskError("storage", { template: "full", args: [] });
    entries.push(entry);
  };
  const ledger: Ledger = {
    append: record,
    note: (entry) => void entries.push(entry),
    async reserve(entry, budgets) {
      refuseOverBudget(entry.costUsd, { ...budgets, spentTodayUsd: 0, spentMonthUsd: 0 });
      await record(entry);
    },
    list: async () => entries,
    spentUsd: async () => 0,
    lostRecord: async () => undefined,
    clear: async () => undefined,
  };
  const pass = createClaudePass({
    ledger,
    settings: () => ({ ...defaultSettings, ...settings }),
    nowMs: () => 0,
    askedBy: "proxy",
    rulesFor: async (marks: readonly PathMark[]) =>
      marks.map(({ path }) => (path.startsWith("/w/private") ? { kind: "marker", folder: "/w/private" } : undefined)),
    heldHere: () => (held ? { kind: "window", folder: "/w" } : undefined),
    ownKey: () => ownKey,
    destination: () => "api.anthropic.com",
    async *send(request) {
      // Before it, the entry.
      expect(entries.at(-1)).toMatchObject({ outcome: "sent" });
      sent.push(request);
      const headers = { "content-type": "text/event-stream" };
      yield { kind: "head", status: 200, headers, destination: "api.anthropic.com" };
      yield { kind: "bytes", bytes: new TextEncoder().encode("event: ping\n\n") };
    },
  });
  return { pass, entries, sent };
}

/** What is put somewhere into a request. */
const planted = fc.constantFrom("nothing", "nothing", "nothing", "secret", "token", "file");
const words = fc.constantFrom(
  "look at it",
  "cat src/a.ts | head",
  '{"a": [1, "x"]}',
  "中文，与符号 😀",
  '\\u0041\n\t"quoted"',
  "",
);
const json = fc.jsonValue({ maxDepth: 3, stringUnit: "grapheme-composite" });
const pieces = fc.record({
  says: words,
  more: json,
  at: fc.constantFrom("text", "input", "result", "system", "tool", "name"),
  planted,
});
const worlds = fc.record({
  settings: fc.record({
    offline: fc.constantFrom(true, false, false, false, false),
    localOnly: fc.constantFrom(true, false, false, false, false),
    dailyBudgetUsd: fc.constantFrom(0.001, 2, 2, 2),
  }),
  held: fc.constantFrom(true, false, false, false),
  ownKey: fc.constantFrom(undefined, "sk-ant-own", token),
  ledgerFails: fc.constantFrom(true, false, false, false, false),
});
const keys = fc.constantFrom({}, { "x-api-key": "sk-ant-theirs" }, { authorization: "Bearer sk-ant-theirs" });

interface Piece {
  readonly says: string;
  readonly more: unknown;
  readonly at: string;
  readonly planted: string;
}

function bodyOf(given: readonly Piece[]) {
  const said = (piece: Piece) => {
    if (piece.planted === "secret") return `${piece.says}\n  ${secret}, ${piece.says}`;
    return piece.planted === "token" ? `${piece.says}${token}` : piece.says;
  };
  const system: unknown[] = [];
  const tools: unknown[] = [];
  const messages: unknown[] = [{ role: "user", content: "hi" }];
  for (const piece of given) {
    const text = said(piece);
    const path = piece.planted === "file" ? { file_path: keptFile } : {};
    const call = (input: object) => ({ type: "tool_use", id: "t", name: "n", input: { ...input, ...path } });
    if (piece.at === "system") system.push({ type: "text", text, x: piece.more });
    if (piece.at === "tool") tools.push({ name: "n", description: text, input_schema: { x: piece.more } });
    if (piece.at === "text") messages.push({ role: "user", content: [{ type: "text", text }, piece.more] });
    if (piece.at === "input")
      messages.push({ role: "assistant", content: [call({ x: [{ y: text }], z: piece.more })] });
    if (piece.at === "name") messages.push({ role: "assistant", content: [call({ [text]: 1 })] });
    if (piece.at === "result") {
      const found = piece.planted === "file" ? `${keptFile}:3:text\n${text}` : text;
      messages.push({
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: found }] }],
      });
    }
  }
  return { model, max_tokens: 100, stream: true, system, tools, messages };
}

/** Where a file can be told to be from. */
const tells = ({ at, planted: what }: Piece) => what !== "file" || ["input", "name", "result"].includes(at);

it("sends the very bytes after an entry in the ledger, or nothing at all, in 3,000 generated requests", async () => {
  const counts = { sent: 0, kept: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(pieces, { maxLength: 5 }),
      worlds,
      keys,
      fc.boolean(),
      async (given, world, key, isCount) => {
        const { pass, entries, sent } = createWorld(world);
        const value = bodyOf(given);
        const text = JSON.stringify(value, undefined, given.length % 3);
        const body = new TextEncoder().encode(text);
        const path = isCount ? "/v1/messages/count_tokens" : "/v1/messages?beta=true";
        const request = { path, headers: { ...key, "anthropic-version": "1" }, body, json: JSON.parse(text), token };
        let error: unknown;
        try {
          for await (const _ of pass(request, new AbortController().signal));
        } catch (thrown) {
          error = thrown;
        }
        const hasKey = Object.keys(key).length > 0 || world.ownKey === "sk-ant-own";
        const stays =
          world.settings.offline ||
          world.settings.localOnly ||
          world.held ||
          world.ledgerFails ||
          !hasKey ||
          given.some((piece) => piece.planted !== "nothing" && tells(piece));
        if (stays) {
          counts.kept++;
          expect(sent).toEqual([]);
          expect(entries).toEqual([]);
          expect(error).toBeInstanceOf(TaskError);
          expect(String(error)).not.toContain(secret.slice(4, 14));
          return;
        }
        if (error) {
          // The budget alone is left.
          expect(error).toMatchObject({ kind: "cloud-limit" });
          expect([sent, entries, world.settings.dailyBudgetUsd, isCount]).toEqual([[], [], 0.001, false]);
          return;
        }
        counts.sent++;
        expect(sent).toHaveLength(1);
        expect(new TextDecoder().decode(sent[0]?.body)).toBe(text);
        expect(JSON.stringify(sent[0]?.headers)).not.toContain(token);
        expect(entries.map(({ outcome }) => outcome)).toEqual(["sent", isCount ? "done" : "failed"]);
        expect(entries[0]?.bytes).toBe(body.length);
      },
    ),
    { numRuns: 3_000 },
  );
  // Neither is rare.
  expect(counts.sent).toBeGreaterThan(150);
  expect(counts.kept).toBeGreaterThan(1000);
});

it("counts names as they are in the bytes: a field that is there twice is not sent, wherever it is", async () => {
  const world = { settings: {}, held: false, ownKey: "sk-ant-own", ledgerFails: false };
  const texts = [
    `{"model":"${model}","max_tokens":9,"messages":[],"messages" :[{"role":"user","content":"${secret}"}]}`,
    `{"model":"${model}","max_tokens":9,"messages":[{"role":"user","content":[{"text":"a","te\\u0078t":"b"}]}]}`,
  ];
  for (const text of texts) {
    const { pass, sent } = createWorld(world);
    const request = { path: "/v1/messages", headers: {}, body: Buffer.from(text), json: JSON.parse(text), token };
    const run = async () => {
      for await (const _ of pass(request, new AbortController().signal));
    };
    await expect(run()).rejects.toMatchObject({ kind: "bad-input" });
    expect(sent).toEqual([]);
  }
});
