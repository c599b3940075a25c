// Events on their way from a model to whoever reads them. Handed on by plain calls: an answer passes some twenty watchers,
// and twenty generators in a row cost more than everything else that is done for a token.

/** Takes an event. Where it returns a promise, the next one waits for it; what it throws stops the source. */
export type Take<Event> = (event: Event) => Promise<void> | undefined;

/** Hands on every event, and stops, with all that it reads, when the taking throws. */
type Source<Event> = (take: Take<Event>) => Promise<void>;

/** Begins with its reader, and has one only. To leave the loop over it stops the source, as with a generator. */
export class Stream<Event> implements AsyncIterable<Event> {
  /** Readers call `each`. */
  readonly source: Source<Event>;

  constructor(source: Source<Event>) {
    this.source = source;
  }

  [Symbol.asyncIterator](): AsyncIterator<Event, undefined> {
    return iterate(this.source);
  }
}

export function stream<Event>(source: Source<Event>): Stream<Event> {
  return new Stream(source);
}

/**
 * Reads to the end. What `take` throws stops the source, which sees an `AbortError` only, and comes out here.
 * @throws what the source or `take` throws
 */
export async function each<Event>(events: AsyncIterable<Event>, take: Take<Event>): Promise<void> {
  if (!(events instanceof Stream)) {
    for await (const event of events) {
      const wait = take(event);
      if (wait !== undefined) await wait;
    }
    return;
  }
  const mine: { thrown?: { readonly error: unknown } } = {};
  const stop = (error: unknown): never => {
    mine.thrown = { error };
    throw left();
  };
  try {
    await events.source((event) => {
      // Whoever goes on all the same is told again.
      if (mine.thrown) throw left();
      try {
        return take(event)?.catch(stop);
      } catch (error) {
        return stop(error);
      }
    });
  } catch (error) {
    throw mine.thrown ? mine.thrown.error : error;
  }
  if (mine.thrown) throw mine.thrown.error;
}

/** Reads until `take` calls `enough`, or to the end; then the source is stopped. */
export async function eachUntil<Event>(
  events: AsyncIterable<Event>,
  take: (event: Event, enough: () => never) => ReturnType<Take<Event>>,
): Promise<void> {
  let hasEnough = false;
  const enough = () => {
    hasEnough = true;
    throw left();
  };
  try {
    await each(events, (event) => take(event, enough));
  } catch (error) {
    if (!hasEnough) throw error;
  }
}

/** Hands on several events, one after the other. */
export function takeAll<Event>(events: readonly Event[], take: Take<Event>): Promise<void> | undefined {
  let waiting: Promise<void> | undefined;
  for (const event of events) waiting = waiting === undefined ? take(event) : waiting.then(() => take(event));
  return waiting;
}

const left = () => new DOMException("Nobody reads any more", "AbortError");

/** One event at a time: the source goes on when the next one is asked for. */
function iterate<Event>(source: Source<Event>): AsyncIterator<Event, undefined> {
  const ready: Event[] = [];
  let asked: PromiseWithResolvers<IteratorResult<Event, undefined>> | undefined;
  let goOn: PromiseWithResolvers<void> | undefined;
  let ended: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  let isOver = false;

  const take: Take<Event> = (event) => {
    if (isOver) throw left();
    if (asked) {
      asked.resolve({ done: false, value: event });
      asked = undefined;
    } else ready.push(event);
    if (!goOn) {
      goOn = Promise.withResolvers();
      goOn.promise.catch(() => undefined); // a source that does not wait for it is told by its next event
    }
    return goOn.promise;
  };
  const end = (failed?: { readonly error: unknown }) => {
    isOver = true;
    if (!asked) failure = failed;
    else if (failed) asked.reject(failed.error);
    else asked.resolve({ done: true, value: undefined });
    asked = undefined;
  };
  return {
    async next() {
      const event = ready.shift();
      if (event !== undefined) return { done: false, value: event };
      const failed = failure;
      failure = undefined;
      if (failed) throw failed.error;
      if (isOver) return { done: true, value: undefined };
      asked = Promise.withResolvers();
      const { promise } = asked;
      goOn?.resolve();
      goOn = undefined;
      ended ??= source(take).then(
        () => end(),
        (error: unknown) => end({ error }),
      );
      return promise;
    },
    async return() {
      isOver = true;
      ready.length = 0;
      failure = undefined;
      goOn?.reject(left());
      await ended;
      failure = undefined;
      return { done: true, value: undefined };
    },
  };
}
