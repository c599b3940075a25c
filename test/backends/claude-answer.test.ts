// The events of a message, read as they come: text, thoughts, counts, and why it ended.
import { describe, expect, it } from "vitest";
import { readAnswer } from "../../src/backends/claude-answer.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { type AnswerOptions, answerEvents, block, ping, type ServerEvent } from "./claude-server.ts";

async function* from(events: readonly unknown[]) {
  yield* events;
}

/** By a clock that goes on by 10 ms with each look at it. */
async function read(events: readonly unknown[]): Promise<{ seen: readonly ModelEvent[]; kind?: string }> {
  const seen: ModelEvent[] = [];
  let now = 1_000;
  const clock = () => {
    now += 10;
    return now;
  };
  try {
    for await (const event of readAnswer(from(events), 1_000, clock)) seen.push(event);
    return { seen };
  } catch (error) {
    return { seen, kind: error instanceof TaskError ? error.kind : String(error) };
  }
}

const spoken = (seen: readonly ModelEvent[], kind: "text" | "thinking") =>
  seen.map((event) => (event.kind === kind ? event.text : "")).join("");
const start = (events: readonly ServerEvent[]) => events.filter((event) => event.type !== "message_stop");

describe("an answer of Claude", () => {
  it("comes piece by piece and ends with its counts and times", async () => {
    const usage = { input_tokens: 20, cache_creation_input_tokens: 300, cache_read_input_tokens: 4_000 };
    const { seen } = await read(answerEvents({ texts: ["Because ", "of ", "scattering."], usage }));
    expect(seen).toEqual([
      { kind: "text", text: "Because " },
      { kind: "text", text: "of " },
      { kind: "text", text: "scattering." },
      {
        kind: "done",
        finish: "stop",
        stats: {
          promptTokens: 4_320,
          answerTokens: 40,
          loadMs: 0,
          prefillMs: 10,
          decodeMs: 10,
          usage: { inputTokens: 20, cacheWriteTokens: 300, cacheReadTokens: 4_000, outputTokens: 40 },
        },
      },
    ]);
  });
  it("has the counts told last; what is not told again stays", async () => {
    const events = answerEvents({ usage: { input_tokens: 20, cache_read_input_tokens: 4_000 } }).map((event) =>
      event.type === "message_delta"
        ? { ...event, usage: { input_tokens: 25, cache_read_input_tokens: null, output_tokens: 7 } }
        : event,
    );
    expect((await read(events)).seen.at(-1)).toMatchObject({ stats: { promptTokens: 4_025, answerTokens: 7 } });
  });
  it("keeps thoughts apart, and leaves out those that are withheld and their signatures", async () => {
    const between = block(9, { type: "redacted_thinking", data: "c2VjcmV0" }, []);
    const { seen } = await read(answerEvents({ thoughts: ["Hm, ", "light."], texts: ["Rayleigh."], between }));
    expect(spoken(seen, "thinking")).toBe("Hm, light.");
    expect(spoken(seen, "text")).toBe("Rayleigh.");
    expect(seen).toHaveLength(4);
  });
  it("is not disturbed by pings, nor by kinds of events, blocks and pieces that are new", async () => {
    const between = [
      ping,
      { type: "weather_report", sky: "blue" },
      ...block(9, { type: "hologram", text: "not this" }, [{ type: "hologram_delta", text: "nor this" }]),
    ];
    const { seen, kind } = await read([ping, ...answerEvents({ texts: ["A", "B"], between })]);
    expect(kind).toBeUndefined();
    expect(spoken(seen, "text")).toBe("AB");
    expect(seen.at(-1)).toMatchObject({ kind: "done" });
  });
  it.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["pause_turn", "length"],
    ["tool_use", "stop"],
  ])("that ends by %s is told as %s", async (stopReason, finish) => {
    expect((await read(answerEvents({ stopReason }))).seen.at(-1)).toMatchObject({ kind: "done", finish });
  });
  it("that is refused is not done", async () => {
    const options: AnswerOptions = { stopReason: "refusal", stopDetails: { type: "refusal", category: null } };
    const { seen, kind } = await read(answerEvents(options));
    expect(kind).toBe("cloud-refused");
    expect(seen.some((event) => event.kind === "done")).toBe(false);
  });
  it("is lost without its end, and without a reason for its end", async () => {
    expect((await read(start(answerEvents()))).kind).toBe("server-lost");
    const reasonless = answerEvents().filter((event) => event.type !== "message_delta");
    expect((await read(reasonless)).kind).toBe("server-lost");
    expect((await read([])).kind).toBe("server-lost");
  });
  it.each([
    ["no object", [5]],
    ["a start without counts", [{ type: "message_start", message: {} }]],
    ["text that is a number", [{ type: "content_block_delta", delta: { type: "text_delta", text: 5 } }]],
    ["a reason that is a number", [{ type: "message_delta", delta: { stop_reason: 5 } }]],
  ])("is not made of %s", async (_, events) => expect((await read(events)).kind).toBe("bad-response"));
});
