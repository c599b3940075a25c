// Pieces of answers on their way to the page: joined while they come fast, held back while the page does not keep up.
import type { ToPage } from "../core/page-protocol.ts";

type Delta = Extract<ToPage, { kind: "delta" }>;

export interface DeltaStream {
  push(exchangeId: string, channel: Delta["channel"], text: string): void;
  /** Sends what waits, now: before a message that has to come after it. */
  flush(): void;
  /** The page has drawn everything up to `seq`. */
  ack(seq: number): void;
  /** The page gets a snapshot that contains everything: nothing waits any more. @returns the number of the last delta in it */
  restart(): number;
}

const joinMs = 33;
const joinLength = 2048;
/** Characters on the way that the page has not drawn yet. */
const maxUndrawn = 64 * 1024;

/** @param later runs the function after some ms */
export function createDeltaStream(
  post: (delta: Delta) => void,
  later: (run: () => void, ms: number) => void = setTimeout,
): DeltaStream {
  let seq = 0;
  let waiting: { exchangeId: string; channel: Delta["channel"]; text: string }[] = [];
  let undrawn: { seq: number; length: number }[] = [];
  let isTimed = false;

  const undrawnLength = () => undrawn.reduce((sum, each) => sum + each.length, 0);

  function send(): void {
    for (const { exchangeId, channel, text } of waiting) {
      seq++;
      undrawn.push({ seq, length: text.length });
      post({ kind: "delta", exchangeId, seq, channel, text });
    }
    waiting = [];
  }
  function sendIfRoom(): void {
    if (undrawnLength() < maxUndrawn) send();
  }
  function startTimer(): void {
    if (isTimed) return;
    isTimed = true;
    later(() => {
      isTimed = false;
      sendIfRoom();
    }, joinMs);
  }

  return {
    push(exchangeId, channel, text) {
      const last = waiting.at(-1);
      if (last?.exchangeId === exchangeId && last.channel === channel) last.text += text;
      else waiting.push({ exchangeId, channel, text });
      const isLong = (waiting.at(-1)?.text.length ?? 0) >= joinLength;
      if (isLong) sendIfRoom();
      if (waiting.length > 0) startTimer();
    },
    flush: send,
    ack(drawn) {
      undrawn = undrawn.filter((each) => each.seq > drawn);
      if (waiting.length > 0) startTimer();
    },
    restart() {
      waiting = [];
      undrawn = [];
      return seq;
    },
  };
}
