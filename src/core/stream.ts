// Events on their way from a model to whoever reads them. Handed on by plain calls: an answer passes some twenty watchers,
// and twenty generators in a row cost more than everything else that is done for a token.
import { isAbort } from "./task-error.ts";

/** Takes an event. Where it returns a promise, the next one waits for it; what it throws stops the source. */
export interface Take<Event> {
  (event: Event): Promise<void> | undefined;
  /** For more of a text that has begun, past those between who need not see it. */
  readonly more?: Take<Event>;
}

/** Hands on every event, and stops, with all that it reads, when the taking throws. */
type Source<Event> = (take: Take<Event>) => Promise<void>;

/** Begins with its reader, and has one only. To leave the loop over it stops the source, as with a generator. */
export class Stream<Event> implements AsyncIterable<Event> {
  readonly #source: Source<Event>;
  #reader: AsyncIterator<Event, undefined> | undefined;
  #hasBegun = false;

  constructor(source: Source<Event>) {
    this.#source = source;
  }

  /** One for all, as with a generator: who goes on with it later reads the rest. */
  [Symbol.asyncIterator](): AsyncIterator<Event, undefined> {
    this.#reader ??= iterate((take) => this.begin(take));
    return this.#reader;
  }

  /** Readers call `each`. */
  begin(take: Take<Event>): Promise<void> {
    // A source that began anew would ask its model, and be paid, once more.
    if (this.#hasBegun) return Promise.reject(new Error("a stream has one reader"));
    this.#hasBegun = true;
    try {
      return this.#source(take);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

export function stream<Event>(source: Source<Event>): Stream<Event> {
  return new Stream(source);
}

/**
 * Reads to the end. What `take` throws stops the source, which sees an `AbortError` only, and comes out here.
 * @throws what the source or `take` throws
 */
export function each<Event>(events: AsyncIterable<Event>, take: Take<Event>): Promise<void> {
  return read(events, take, (first) => {
    if (first) throw first.error;
  });
}

/**
 * As `each`, for one between others whose `take` throws nothing of its own: what comes from whoever reads it is an
 * `AbortError` already. One call less for each event.
 */
export function through<Event>(events: AsyncIterable<Event>, take: Take<Event>): Promise<void> {
  return events instanceof Stream ? events.begin(take) : each(events, take);
}

/** As `through`, for one that need not see more of a text that has begun. */
export function beside<Event>(
  events: AsyncIterable<Event>,
  take: Take<Event>,
  look: (event: Event) => ReturnType<Take<Event>>,
): Promise<void> {
  return through(events, Object.assign(look, { more: moreOf(take) }));
}

/** As `through`, for one that only sees what is handed on to `take`. */
export function watch<Event>(
  events: AsyncIterable<Event>,
  take: Take<Event>,
  see: (event: Event) => void,
): Promise<void> {
  const takeMore = moreOf(take);
  const more = (event: Event) => {
    see(event);
    return takeMore(event);
  };
  const first = (event: Event) => {
    see(event);
    return take(event);
  };
  return through(events, Object.assign(first, { more }));
}

/** Where the pieces of a text go after its first one. */
export function moreOf<Event>(take: Take<Event>): Take<Event> {
  return take.more ?? take;
}

/** Reads until `take` calls `enough`, or to the end; then the source is stopped. */
export function eachUntil<Event>(
  events: AsyncIterable<Event>,
  take: (event: Event, enough: () => never) => ReturnType<Take<Event>>,
): Promise<void> {
  let end: unknown;
  const enough = () => {
    end = new Left();
    throw end;
  };
  return read(
    events,
    (event) => take(event, enough),
    (first) => {
      if (first && first.error !== end) throw first.error;
    },
  );
}

interface Failure {
  readonly error: unknown;
}

/** What went wrong while events were read: with whoever took them, and with their source. */
interface Wrong {
  thrown?: Failure;
  failed?: Failure;
}

/**
 * One promise for all of it: an answer passes some twenty readers, and functions that wait cost more than what they do.
 * @param end hears of the first thing that went wrong
 */
function read<Event>(
  events: AsyncIterable<Event>,
  take: Take<Event>,
  end: (first: Failure | undefined) => void,
): Promise<void> {
  const wrong: Wrong = {};
  const reading = events instanceof Stream ? push(events, take, wrong) : pull(events, take, wrong);
  return reading.then(
    () => end(firstOf(wrong)),
    (error: unknown) => {
      wrong.failed = { error };
      end(firstOf(wrong));
    },
  );
}

function push<Event>(events: Stream<Event>, take: Take<Event>, wrong: Wrong): Promise<void> {
  const stop = (error: unknown): never => {
    wrong.thrown = { error };
    throw new Left();
  };
  return events.begin((event) => {
    // Whoever goes on all the same is told again.
    if (wrong.thrown) throw new Left();
    try {
      return take(event)?.catch(stop);
    } catch (error) {
      return stop(error);
    }
  });
}

async function pull<Event>(events: AsyncIterable<Event>, take: Take<Event>, wrong: Wrong): Promise<void> {
  for await (const event of events) {
    try {
      const wait = take(event);
      if (wait !== undefined) await wait;
    } catch (error) {
      wrong.thrown = { error };
      break;
    }
  }
}

/** Leaving is no error, but what fails for it is: an end that could not be recorded, for one. */
function firstOf({ thrown, failed }: Wrong): Failure | undefined {
  return thrown?.error instanceof Left ? (failedAfter(failed) ?? thrown) : (thrown ?? failed);
}

/** What went wrong with a source that was stopped; that it was is not. */
function failedAfter(failed: Failure | undefined): Failure | undefined {
  return failed && isAbort(failed.error) ? undefined : failed;
}

/** Hands on several events, one after the other. */
export function takeAll<Event>(events: readonly Event[], take: Take<Event>): Promise<void> | undefined {
  let waiting: Promise<void> | undefined;
  for (const event of events) waiting = waiting === undefined ? take(event) : waiting.then(() => take(event));
  return waiting;
}

class Left extends DOMException {
  constructor() {
    super("Nobody reads any more", "AbortError");
  }
}

/** One event at a time: the source goes on when the next one is asked for. */
function iterate<Event>(source: Source<Event>): AsyncIterator<Event, undefined> {
  const ready: Event[] = [];
  const asked: PromiseWithResolvers<IteratorResult<Event, undefined>>[] = [];
  let goOn: PromiseWithResolvers<void> | undefined;
  let ended: Promise<void> | undefined;
  let failure: Failure | undefined;
  let isOver = false;

  const take: Take<Event> = (event) => {
    if (isOver) throw new Left();
    const asker = asked.shift();
    if (asker) asker.resolve({ done: false, value: event });
    else ready.push(event);
    if (asked.length > 0) return undefined;
    if (!goOn) {
      goOn = Promise.withResolvers();
      goOn.promise.catch(() => undefined); // a source that does not wait for it is told by its next event
    }
    return goOn.promise;
  };
  const end = (failed?: Failure) => {
    isOver = true;
    failure = failed;
    for (const asker of asked.splice(0)) tellEnd(asker);
  };
  /** Of a failure once. */
  const tellEnd = (asker: PromiseWithResolvers<IteratorResult<Event, undefined>>) => {
    if (failure) asker.reject(failure.error);
    else asker.resolve({ done: true, value: undefined });
    failure = undefined;
  };
  return {
    next() {
      const asker = Promise.withResolvers<IteratorResult<Event, undefined>>();
      const [event] = ready.splice(0, 1);
      if (event !== undefined) asker.resolve({ done: false, value: event });
      else if (isOver) tellEnd(asker);
      else {
        asked.push(asker);
        goOn?.resolve();
        goOn = undefined;
        ended ??= source(take).then(
          () => end(),
          (error: unknown) => end({ error }),
        );
      }
      return asker.promise;
    },
    async return() {
      // What was asked for before is told first.
      await Promise.allSettled(asked.map(({ promise }) => promise));
      const wasOver = isOver;
      isOver = true;
      ready.length = 0;
      goOn?.reject(new Left());
      await ended;
      const failed = wasOver ? undefined : failedAfter(failure);
      failure = undefined;
      if (failed) throw failed.error;
      return { done: true, value: undefined };
    },
  };
}
