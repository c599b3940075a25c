// One's turn at the containers, with words for who waits.
import { type Message, msg } from "../core/message.ts";
import type { UpEvent } from "../core/services.ts";
import { type Holder, type Lock, type LockDoor, type LockWork, queueForLock } from "./lock.ts";

export interface Turn {
  /** The lock of all windows and shells. */
  readonly file: string;
  readonly door?: LockDoor | undefined;
  readonly work: LockWork;
}

/** Yields for whom it waits. */
export async function* takeTurn({ file, ...wish }: Turn, signal: AbortSignal): AsyncGenerator<UpEvent, Lock> {
  const queue = queueForLock(file, wish, signal);
  for (;;) {
    const next = await queue.next();
    if (next.done) return next.value;
    yield { kind: "queued", text: waitingFor(next.value) };
  }
}

function waitingFor(holder: Holder | undefined): Message {
  if (!holder) return msg("Waiting for another window or shell that is at work on the containers");
  const { pid, door, work, sinceMs, standsStill } = holder;
  const seconds = Math.max(0, Math.round((Date.now() - sinceMs) / 1000));
  const who = msg("{0} (process {1})", doorName(door), pid);
  return standsStill
    ? msg("Waiting for {0}: it {1} and stands still. If it hangs, end that process.", who, workName(work))
    : msg("Waiting for {0}: it {1}, for {2} s so far", who, workName(work), seconds);
}

function doorName(door: LockDoor | undefined): Message {
  switch (door) {
    case "editor":
      return msg("a window of the editor");
    case "shell":
      return msg("a shell");
    case "proxy":
      return msg("the service");
    default:
      return msg("another program");
  }
}

function workName(work: LockWork | undefined): Message {
  switch (work) {
    case "up":
      return msg("starts the containers");
    case "down":
      return msg("stops the containers");
    case "remove":
      return msg("removes the containers");
    case "update":
      return msg("updates Ollama");
    case "start":
      return msg("starts one container");
    case "scale":
      return msg("adds or removes a model server");
    case "repair":
      return msg("mends what the doctor found");
    default:
      return msg("is at work on the containers");
  }
}
