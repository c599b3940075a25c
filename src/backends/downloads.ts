// One download a model over all windows and shells: the first does it, the others follow, and one goes on when it dies.
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Backend, Getter, PullProgress } from "../core/backend.ts";
import type { Download, Downloads } from "../core/downloads.ts";
import type { Fit } from "../core/fit.ts";
import { isNamed } from "../core/is-named.ts";
import { formatMessage, type Message, msg } from "../core/message.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { isHeld, tryLock } from "../process-lock.ts";
import {
  createDownloadFiles,
  type DownloadFiles,
  type DownloadNote,
  type OpenDownload,
  type Wish,
} from "./download-files.ts";
import { abortError } from "./server-errors.ts";

export interface DownloadsOptions {
  /** Shared by all windows and shells. */
  readonly folder: string;
  /** The server that gets new models. */
  readonly serverFor: (signal: AbortSignal) => Promise<Getter>;
  /** Throws where nothing may be fetched. */
  readonly mayFetch: (model: string) => void;
  /** Throws where the server has no way to get it. */
  readonly canGet?: (model: string, backend: Backend) => void;
  /** Asked once the size is known: whether it will run. */
  readonly check?: (
    model: string,
    backend: Backend,
    sizeBytes: number,
    signal: AbortSignal,
  ) => Promise<Fit | undefined>;
  /** Called when a model came. */
  readonly onDone: () => void;
}

export interface OwnedDownloads extends Downloads {
  /** Stops what is done here without calling it paused: another window goes on, or the next one. */
  dispose(): void;
}

const writeEveryMs = 250;
const lookEveryMs = 250;

export function createDownloads(options: DownloadsOptions): OwnedDownloads {
  const files = createDownloadFiles(options.folder);
  const closing = new AbortController();
  return {
    async list() {
      const notes = await files.list();
      return Promise.all(notes.map((note) => seenFromOutside(note, files)));
    },
    async *pull(model, signal) {
      const ended = AbortSignal.any([signal, closing.signal]);
      await mkdir(options.folder, { recursive: true, mode: 0o700 });
      for (;;) {
        ended.throwIfAborted();
        const release = await tryLock(files.lockPath(model));
        if (release) {
          try {
            yield* work(model, options, files, signal, closing.signal);
          } finally {
            await release();
          }
          return;
        }
        if (yield* follow(model, files, ended)) return;
      }
    },
    async pause(model) {
      if (await isHeld(files.lockPath(model))) return files.wish(model, "pause");
      const note = await files.read(model);
      if (note) await files.write({ ...withoutSpeed(note), state: "paused" });
    },
    async cancel(model, signal) {
      const release = await tryLock(files.lockPath(model));
      if (!release) return files.wish(model, "cancel");
      try {
        const note = await files.read(model);
        if (!note) return;
        // Where no server is there, it is no download of anybody's any more.
        const backend = await options.serverFor(signal).catch((error: unknown) => {
          if (isAbort(error)) throw error;
          return undefined;
        });
        if (backend) await discard(backend, model, signal);
        await files.write({ ...withoutSpeed(note), state: "cancelled" });
      } finally {
        await release();
      }
    },
    dispose: () => closing.abort(),
  };
}

async function seenFromOutside(note: OpenDownload, files: DownloadFiles): Promise<Download> {
  const isAlone = note.state === "running" && !(await isHeld(files.lockPath(note.model)));
  const { model, backend, error } = note;
  return {
    ...exact(isAlone ? withoutSpeed(note) : note),
    model,
    backend,
    state: isAlone ? "interrupted" : note.state,
    ...(error ? { error } : {}),
  };
}

/** The one that holds the lock. */
async function* work(
  model: string,
  { serverFor, mayFetch, canGet, onDone, check }: DownloadsOptions,
  files: DownloadFiles,
  signal: AbortSignal,
  closing: AbortSignal,
): AsyncIterable<PullProgress> {
  mayFetch(model);
  const backend = await serverFor(AbortSignal.any([signal, closing]));
  canGet?.(model, backend);
  const before = await files.read(model);
  const known = before && before.backend === backend.name && before.state !== "done" ? exact(before) : {};
  let note: DownloadNote = { ...known, model, backend: backend.name, state: "running", status: "" };
  await files.takeWish(model);
  await files.write(note);
  const wishes = createWishes(files, model, mayFetch);
  const notes = createNoteWriter(files);
  let isDone = false;
  let isChecked = false;
  try {
    for await (const progress of backend.pull(model, AbortSignal.any([signal, closing, wishes.signal]))) {
      const { totalBytes } = progress;
      if (!isChecked && totalBytes) {
        isChecked = true;
        const warning = warningOf(await check?.(model, backend, totalBytes, signal).catch(() => undefined));
        if (warning) yield { ...progress, warning };
      }
      note = { ...note, ...progress };
      notes.put(note);
      yield progress;
    }
    isDone = true;
    await notes.end();
    await files.write({ ...withoutSpeed(note), state: "done" });
    onDone();
  } catch (error) {
    await notes.end();
    if (error instanceof TaskError) await files.write({ ...withoutSpeed(note), state: "failed", error: plain(error) });
    throw error;
  } finally {
    await notes.end();
    wishes.end();
    if (!isDone) await noteEnd(note, wishes.wished(), { files, backend, signal, closing });
  }
}

/** @throws TaskError where there is no room on the disk: the rest would come in vain */
function warningOf(fit: Fit | undefined): Message | undefined {
  if (fit?.verdict === "no-disk") throw new TaskError("storage", fit.says);
  return fit && fit.verdict !== "fits" && fit.verdict !== "unknown" ? fit.says : undefined;
}

interface Ending {
  readonly files: DownloadFiles;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  readonly closing: AbortSignal;
}

/** A window that closes leaves it as running, which nobody does: the next one sees that and goes on. */
async function noteEnd(note: DownloadNote, wish: Wish | undefined, { files, backend, signal, closing }: Ending) {
  if (wish === "cancel") {
    await discard(backend, note.model, new AbortController().signal);
    await files.write({ ...withoutSpeed(note), state: "cancelled" });
    return;
  }
  const now = await files.read(note.model);
  if (now?.state !== "running" || (closing.aborted && !signal.aborted && wish === undefined)) return;
  await files.write({ ...withoutSpeed(note), state: "paused" });
}

/** Not every line, but always the last one: after it, nothing may come for long. */
function createNoteWriter(files: DownloadFiles) {
  let latest: DownloadNote | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  const flush = () => {
    timer = undefined;
    const note = latest;
    latest = undefined;
    if (note) writing = writing.then(() => files.write(note)).catch(() => undefined);
  };
  return {
    put(note: DownloadNote): void {
      latest = note;
      timer ??= setTimeout(flush, writeEveryMs);
    },
    /** Nothing is written any more when this resolves. */
    async end(): Promise<void> {
      clearTimeout(timer);
      latest = undefined;
      await writing;
    },
  };
}

/** Looks now and then whether another window wants it to stop, or nothing may be fetched any more. */
function createWishes(files: DownloadFiles, model: string, mayFetch: DownloadsOptions["mayFetch"]) {
  const stop = new AbortController();
  let wished: Wish | undefined;
  const refused = (): Wish | undefined => {
    try {
      mayFetch(model);
      return undefined;
    } catch {
      return "pause";
    }
  };
  const timer = setInterval(async () => {
    wished ??= (await files.takeWish(model).catch(() => undefined)) ?? refused();
    if (wished) stop.abort();
  }, lookEveryMs);
  timer.unref();
  return { signal: stop.signal, wished: () => wished, end: () => clearInterval(timer) };
}

/** @returns whether it ended well; false: nobody does it any more, and it is to be gone on with */
async function* follow(
  model: string,
  files: DownloadFiles,
  signal: AbortSignal,
): AsyncGenerator<PullProgress, boolean> {
  let told = "";
  for (;;) {
    const isDoing = await isHeld(files.lockPath(model));
    const note = await files.read(model);
    const text = JSON.stringify(note);
    if (note?.state === "running" && text !== told) yield exact(note);
    told = text ?? "";
    if (!isDoing) {
      // Written before the lock is let go of.
      const end = await files.read(model);
      if (end?.state === "done") return true;
      if (end?.state === "cancelled" || end?.state === "paused") throw abortError();
      if (end?.state === "failed") throw new TaskError("network", end.error ?? msg("The download failed."));
      return false;
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {
      throw abortError();
    });
  }
}

/** Only of a model that is not whole: an update that is broken off must not take the old one away. */
async function discard(backend: Backend, model: string, signal: AbortSignal): Promise<void> {
  try {
    const isWhole = (await backend.models(signal)).some((each) => isNamed(each.name, model));
    if (!isWhole) await backend.delete(model, signal);
  } catch (error) {
    // Nothing of it can be deleted: Ollama drops what is unfinished when it starts the next time.
    if (isAbort(error) || !(error instanceof TaskError)) throw error;
  }
}

function plain({ text }: TaskError): DownloadNote["error"] {
  return {
    template: text.template,
    args: text.args.map((each) => (typeof each === "object" ? formatMessage(each) : each)),
  };
}

function withoutSpeed({ bytesPerSecond: _, ...rest }: DownloadNote): DownloadNote {
  return rest;
}

/** Progress without what is not known of it. */
function exact(note: Omit<DownloadNote, "model" | "backend" | "state" | "error">): PullProgress {
  const { status, completedBytes, totalBytes, bytesPerSecond, restarts } = note;
  return {
    status,
    ...(completedBytes === undefined ? {} : { completedBytes }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    ...(restarts === undefined ? {} : { restarts }),
  };
}
