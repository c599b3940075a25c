// The events of an answer as OpenAI-compatible servers send them. What is none, half of one, or silence is an error.
import { createParser, type EventSourceMessage, ParseError } from "eventsource-parser";
import { each } from "../core/stream.ts";
import { badLine } from "./model-fetch.ts";
import { type AnswerLimits, createSilence, graceMs, streamError } from "./open-answer.ts";
import type { Answered } from "./post-json.ts";

/** Far above any real event. */
const maxEventBytes = 4 * 1024 * 1024;

export interface EventReader {
  /** Takes the data of an event, without the last one, which only says that it was. */
  readonly take: (data: string) => Promise<void> | undefined;
  /** Before its first word a server may load the model and read a long prompt, for as long as that takes. */
  readonly hasBegun: () => boolean;
}

/** @throws TaskError, an `AbortError`, and what `take` throws */
export async function readEvents(opened: Answered, limits: AnswerLimits, reader: EventReader): Promise<void> {
  const { server, signal, stallMs } = limits;
  const waiting: (EventSourceMessage | ParseError)[] = [];
  const keep = (event: EventSourceMessage | ParseError) => void waiting.push(event);
  const parser = createParser({ onEvent: keep, onError: keep });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const silence = createSilence(server, opened);
  let isDone = false;
  let sinceEvent = 0;
  const listen = (): undefined => silence.start(isDone ? graceMs : reader.hasBegun() ? stallMs : 0);
  const takeWaiting = (): Promise<void> | undefined => {
    for (let event = waiting.shift(); event && !isDone; event = waiting.shift()) {
      if (event instanceof ParseError) throw badLine(server, event.line ?? event.message, event);
      isDone = event.data === "[DONE]";
      const wait = isDone ? undefined : reader.take(event.data);
      if (wait !== undefined) return wait.then(takeWaiting);
    }
    return undefined;
  };
  const feed = (text: string, bytes: number): Promise<void> | undefined => {
    parser.feed(text);
    sinceEvent = waiting.length > 0 ? 0 : sinceEvent + bytes;
    if (sinceEvent > maxEventBytes) throw badLine(server, "an event without an end");
    return takeWaiting();
  };
  try {
    await each(opened.body, (piece) => {
      if (isDone) return listen();
      const wait = feed(decoder.decode(piece, { stream: true }), piece.length);
      if (wait === undefined) return listen();
      silence.stop();
      return wait.then(listen);
    });
    if (!isDone) await feed(decoder.decode(), 0);
  } catch (error) {
    // After the last event only the end of the connection is waited for.
    if (!isDone) throw streamError(error, silence.hasBeen(), limits);
    if (signal.aborted) throw error;
  } finally {
    silence.dispose();
  }
}
