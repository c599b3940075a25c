import { describe, expect, it } from "vitest";
import { createDeltaStream } from "../../src/vscode/delta-stream.ts";

/** A page that draws when told, and a clock that is turned by hand. */
function setUp() {
  const posted: { seq: number; text: string; channel: string; exchangeId: string }[] = [];
  const timers: (() => void)[] = [];
  const stream = createDeltaStream(
    (delta) => posted.push(delta),
    (run) => timers.push(run),
  );
  const tick = () => {
    for (const run of timers.splice(0)) run();
  };
  return { stream, posted, tick, text: () => posted.map((delta) => delta.text).join("") };
}

describe("pieces on their way to the page", () => {
  it("are joined while they come fast, in order and whole", () => {
    const { stream, posted, tick, text } = setUp();
    for (const piece of "一个汉字和 words") stream.push("a", "answer", piece);
    expect(posted).toHaveLength(0);
    tick();
    expect(posted).toHaveLength(1);
    expect(text()).toBe("一个汉字和 words");
  });

  it("keep thinking, answer and other questions apart", () => {
    const { stream, posted, tick } = setUp();
    stream.push("a", "thinking", "1");
    stream.push("a", "answer", "2");
    stream.push("b", "answer", "3");
    tick();
    expect(posted.map(({ exchangeId, channel, text }) => `${exchangeId} ${channel} ${text}`)).toEqual([
      "a thinking 1",
      "a answer 2",
      "b answer 3",
    ]);
    expect(posted.map((delta) => delta.seq)).toEqual([1, 2, 3]);
  });

  it("wait for a page that does not keep up, and nothing is lost", () => {
    const { stream, posted, tick, text } = setUp();
    const piece = "x".repeat(1024);
    for (let count = 0; count < 500; count++) {
      stream.push("a", "answer", piece);
      tick();
    }
    const sent = text().length;
    expect(sent).toBeLessThan(80 * 1024);
    for (let round = 0; round < 20; round++) {
      stream.ack(posted.at(-1)?.seq ?? 0);
      tick();
    }
    expect(text().length).toBe(500 * 1024);
  });

  it("go at once before a message that has to come after them", () => {
    const { stream, text } = setUp();
    stream.push("a", "answer", "end");
    stream.flush();
    expect(text()).toBe("end");
  });

  it("are forgotten when the page gets everything anew, and their numbers go on", () => {
    const { stream, posted, tick } = setUp();
    stream.push("a", "answer", "one");
    tick();
    stream.push("a", "answer", "in the snapshot");
    expect(stream.restart()).toBe(1);
    tick();
    stream.push("a", "answer", "two");
    tick();
    expect(posted.map(({ seq, text }) => [seq, text])).toEqual([
      [1, "one"],
      [2, "two"],
    ]);
  });
});
