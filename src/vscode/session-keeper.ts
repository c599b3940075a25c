// The conversation that is open in this window, and its way to disk.
import type * as vscode from "vscode";
import type { Exchange, ExchangeState, Session, SessionStore, SessionSummary } from "../core/session.ts";

export interface SessionKeeper {
  /** The open session, read from disk on first use. */
  current(): Promise<Session>;
  /** Puts the exchange into its session, at the end where it is new, and saves soon. */
  put(sessionId: string, exchange: Exchange): void;
  start(): Promise<Session>;
  open(id: string): Promise<Session>;
  delete(id: string): Promise<void>;
  list(): Promise<readonly SessionSummary[]>;
  /** Lets go of all sessions, without writing them, and begins a new one. */
  forget(): Promise<void>;
  /** Writes what waits to be written. */
  save(): Promise<void>;
}

const saveAfterMs = 1000;
const titleLength = 60;
const unfinished: readonly ExchangeState[] = ["queued", "routing", "loading", "streaming"];

/** @param tell gets what went wrong when saving; the conversation goes on in memory */
export function createSessionKeeper(
  store: () => Promise<SessionStore>,
  memory: Pick<vscode.Memento, "get" | "update">,
  tell: (error: unknown) => void,
): SessionKeeper {
  const { sessions, load, begin } = createOpenSessions(store, (id) => void memory.update("session", id));
  const saver = createSaver(store, (id) => sessions.get(id), tell);
  let currentId: Promise<string> | undefined;

  async function firstId(): Promise<string> {
    const remembered = memory.get<string>("session");
    const session = remembered ? await load(remembered).catch(tell) : undefined;
    return session ? session.id : begin().id;
  }
  const keeper: SessionKeeper = {
    async current() {
      currentId ??= firstId();
      const id = await currentId;
      return sessions.get(id) ?? begin();
    },
    put(sessionId, exchange) {
      const session = sessions.get(sessionId);
      if (!session) return;
      sessions.set(sessionId, withExchange(session, exchange));
      saver.saw(sessionId, exchange.id);
    },
    async start() {
      const session = begin();
      currentId = Promise.resolve(session.id);
      return session;
    },
    async open(id) {
      const session = await load(id);
      if (!session) return keeper.current();
      currentId = Promise.resolve(id);
      await memory.update("session", id);
      return session;
    },
    async delete(id) {
      saver.drop(id);
      sessions.delete(id);
      await (await store()).delete(id);
      if ((await currentId) === id) await keeper.start();
    },
    async list() {
      return allSummaries(sessions, await (await store()).list());
    },
    async forget() {
      for (const id of sessions.keys()) saver.drop(id);
      sessions.clear();
      await keeper.start();
    },
    save: saver.save,
  };
  return keeper;
}

/** Those that were looked at in this window. @param remember told of each that begins */
function createOpenSessions(store: () => Promise<SessionStore>, remember: (id: string) => void) {
  const sessions = new Map<string, Session>();
  return {
    sessions,
    /** From disk, where it is not there already. */
    async load(id: string): Promise<Session | undefined> {
      const known = sessions.get(id);
      if (known) return known;
      const stored = await (await store()).load(id);
      if (stored) sessions.set(id, interrupted(stored));
      return sessions.get(id);
    },
    begin(): Session {
      const session = newSession();
      sessions.set(session.id, session);
      remember(session.id);
      return session;
    },
  };
}

function newSession(): Session {
  const nowMs = Date.now();
  return { id: crypto.randomUUID(), title: "", createdAtMs: nowMs, updatedAtMs: nowMs, exchanges: [] };
}

/** Newest first; of those that are open the ones in which something was asked. */
function allSummaries(
  open: ReadonlyMap<string, Session>,
  stored: readonly SessionSummary[],
): readonly SessionSummary[] {
  const asked = [...open.values()]
    .filter((session) => session.exchanges.length > 0)
    .map(({ id, title, updatedAtMs }) => ({ id, title, updatedAtMs }));
  const others = stored.filter(({ id }) => !open.has(id));
  return [...asked, ...others].sort((a, b) => b.updatedAtMs - a.updatedAtMs);
}

/** Writes what has changed, a little later or at once; one write after the other. */
function createSaver(
  store: () => Promise<SessionStore>,
  find: (id: string) => Session | undefined,
  tell: (error: unknown) => void,
) {
  const unsaved = new Set<string>();
  /** Exchanges of this window. */
  const own = new Set<string>();
  let saving: Promise<void> = Promise.resolve();
  let isTimed = false;

  async function write(): Promise<void> {
    const ids = [...unsaved];
    unsaved.clear();
    for (const id of ids) {
      const session = find(id);
      if (!session) continue;
      const disk = await store();
      const stored = await disk.load(id).catch(() => undefined);
      await disk.save(merged(session, stored, own)).catch(tell);
    }
  }
  const save = () => {
    saving = saving.then(write);
    return saving;
  };
  return {
    save,
    saw(sessionId: string, exchangeId: string): void {
      own.add(exchangeId);
      unsaved.add(sessionId);
      if (isTimed) return;
      isTimed = true;
      setTimeout(() => {
        isTimed = false;
        void save();
      }, saveAfterMs);
    },
    drop: (sessionId: string) => unsaved.delete(sessionId),
  };
}

function withExchange(session: Session, exchange: Exchange): Session {
  const isNew = !session.exchanges.some((each) => each.id === exchange.id);
  return {
    ...session,
    title: session.title || exchange.question.slice(0, titleLength),
    updatedAtMs: Date.now(),
    exchanges: isNew
      ? [...session.exchanges, exchange]
      : session.exchanges.map((each) => (each.id === exchange.id ? exchange : each)),
  };
}

/** What was running when the window went away did not finish; what had arrived is kept. */
function interrupted(session: Session): Session {
  return {
    ...session,
    exchanges: session.exchanges.map((exchange) =>
      unfinished.includes(exchange.state) ? { ...withoutFigures(exchange), state: "interrupted" } : exchange,
    ),
  };
}

/** Its badge is from when it began: how fast and how long it was is not known. */
function withoutFigures(exchange: Exchange): Exchange {
  if (!exchange.badge) return exchange;
  const { tokensPerSecond: _speed, answerTokens: _tokens, ...badge } = exchange.badge;
  return { ...exchange, badge: { ...badge, outcome: "stopped" } };
}

/** Another window may have the same conversation open: what was asked there stays as it is on the disk. */
function merged(mine: Session, stored: Session | undefined, own: ReadonlySet<string>): Session {
  const theirs = (stored?.exchanges ?? []).filter(({ id }) => !own.has(id));
  const ids = new Set(theirs.map(({ id }) => id));
  const exchanges = [...theirs, ...mine.exchanges.filter(({ id }) => !ids.has(id))];
  return { ...mine, exchanges: exchanges.sort((a, b) => a.askedAtMs - b.askedAtMs) };
}
