// What is kept on this machine. Part of `app.ts`.
import { join } from "node:path";
import { isLoopback } from "./backends/find-nodes.ts";
import type { AppOptions } from "./core/app.ts";
import { isTrustedHost } from "./core/policy.ts";
import type { Settings } from "./core/settings.ts";
import { heldInWindow } from "./core/window-rules.ts";
import { createAnswerCache } from "./store/answer-cache.ts";
import { createFeedback } from "./store/feedback.ts";
import { createKeptTranslations } from "./store/kept-translations.ts";
import { createLedger } from "./store/ledger.ts";
import { createNamedPaths } from "./store/named-paths.ts";
import { createPrivatePaths } from "./store/private-paths.ts";
import { createKeptRecord } from "./store/record-kept.ts";
import { createSessionFiles } from "./store/session-files.ts";
import { createToolTests } from "./store/tool-tests.ts";

export type Stores = ReturnType<typeof openStores>;

/** Opens nothing before it is used. */
export function openStores(options: AppOptions, settings: () => Settings) {
  const { folders, log, notice, windows = () => [], askedBy, env = process.env } = options;
  const ownHosts: ReadonlySet<string> = new Set(env["SWITCHYARD_OWN_HOSTS"]?.split(/[\s,]+/));
  const tell = {
    nowMs: () => Date.now(),
    log: (text: string) => log("warn", text),
    notice: notice ?? (() => undefined),
  };
  const ledger = createLedger(join(folders.home, "ledger.ndjson"), tell);
  const kept = createKeptRecord(ledger, askedBy, tell.nowMs);
  // A file of its own, so that a broken cache cannot harm the ledger.
  const cache = createAnswerCache({
    file: join(folders.home, "answers.db"),
    redisUrl: () => ownRedis(settings()),
    async beforeKeeping(redisUrl, bytes) {
      const host = hostOf(redisUrl);
      if (!isHere(redisUrl) && !ownHosts.has(host)) await kept.add(host, bytes);
    },
    ...tell,
  });
  const paths = createPrivatePaths(() => settings().localOnlyPaths);
  return {
    cache,
    ledger,
    /** Hosts of the installation that this is a part of, such as the other containers: nothing leaves there. */
    ownHosts,
    feedback: createFeedback(join(folders.home, "feedback.json")),
    sessions: createSessionFiles(join(folders.home, "sessions")),
    translations: createKeptTranslations(join(folders.home, "translations"), tell.nowMs),
    toolTests: createToolTests(join(folders.home, "tool-tests.json")),
    paths,
    namedPaths: createNamedPaths(paths, (path) => heldInWindow(path, windows())),
    async dispose() {
      await Promise.all([kept.flush(), cache.dispose()]);
      await ledger.dispose();
    },
  };
}

const isHere = (redisUrl: string) => isLoopback(redisUrl.replace(/^rediss?:/, "http:"));

function hostOf(redisUrl: string): string {
  const { host, hostname } = new URL(redisUrl);
  return host || hostname;
}

/** A Redis on another host is used only where that host is the person's own: what is kept there has left this machine. */
function ownRedis(settings: Settings): string {
  const { redisUrl, offline } = settings;
  if (redisUrl === "") return "";
  const isOwn = !offline && isTrustedHost(hostOf(redisUrl), settings);
  return isHere(redisUrl) || isOwn ? redisUrl : "";
}
