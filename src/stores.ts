// What is kept on this machine. Part of `app.ts`.
import { join } from "node:path";
import { isLoopback } from "./backends/find-nodes.ts";
import type { AppOptions } from "./core/app.ts";
import { isTrustedHost } from "./core/policy.ts";
import type { Settings } from "./core/settings.ts";
import { heldInWindow } from "./core/window-rules.ts";
import { createAnswerCache } from "./store/answer-cache.ts";
import { createFeedback } from "./store/feedback.ts";
import { createLedger } from "./store/ledger.ts";
import { createNamedPaths } from "./store/named-paths.ts";
import { createPrivatePaths } from "./store/private-paths.ts";
import { createSessionFiles } from "./store/session-files.ts";
import { createToolTests } from "./store/tool-tests.ts";

export type Stores = ReturnType<typeof openStores>;

/** Opens nothing before it is used. */
export function openStores({ folders, log, notice, windows = () => [] }: AppOptions, settings: () => Settings) {
  const tell = {
    nowMs: () => Date.now(),
    log: (text: string) => log("warn", text),
    notice: notice ?? (() => undefined),
  };
  // A file of its own, so that a broken cache cannot harm the ledger.
  const cache = createAnswerCache({
    file: join(folders.home, "answers.db"),
    redisUrl: () => ownRedis(settings()),
    ...tell,
  });
  const ledger = createLedger(join(folders.home, "ledger.ndjson"), tell);
  const paths = createPrivatePaths(() => settings().localOnlyPaths);
  return {
    cache,
    ledger,
    feedback: createFeedback(join(folders.home, "feedback.json")),
    sessions: createSessionFiles(join(folders.home, "sessions")),
    toolTests: createToolTests(join(folders.home, "tool-tests.json")),
    paths,
    namedPaths: createNamedPaths(paths, (path) => heldInWindow(path, windows())),
    async dispose() {
      await cache.dispose();
      ledger.dispose();
    },
  };
}

/** A Redis on another host is used only where that host is the person's own: what is kept there has left this machine. */
function ownRedis(settings: Settings): string {
  const { redisUrl } = settings;
  if (redisUrl === "") return "";
  const { host, hostname } = new URL(redisUrl);
  const isHere = isLoopback(redisUrl.replace(/^rediss?:/, "http:"));
  const isOwn = !settings.offline && isTrustedHost(host || hostname, settings);
  return isHere || isOwn ? redisUrl : "";
}
