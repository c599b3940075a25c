// Settings that change while the service runs: taken over between two requests; a broken file changes nothing.
import { type Stats, unwatchFile, watchFile } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Message } from "../core/message.ts";
import type { Settings } from "../core/settings.ts";
import { TaskError } from "../core/task-error.ts";

export interface SettingsWatch {
  /** Why the files of now are not what holds; undefined where they do. */
  broken(): Message | undefined;
  dispose(): void;
}

const everyMs = 500;
/** A file that is being written may be half there. */
const secondLookMs = 200;

/** @param tell hears of each change; undefined where it was taken over */
export function watchSettings(
  files: readonly string[],
  {
    read,
    apply,
    tell,
  }: {
    readonly read: () => Settings;
    readonly apply: (settings: Settings) => void;
    readonly tell: (broken: Message | undefined) => void;
  },
): SettingsWatch {
  let broken: Message | undefined;
  const attempt = (): Message | undefined => {
    try {
      apply(read());
      return undefined;
    } catch (error) {
      if (error instanceof TaskError) return error.text;
      throw error;
    }
  };
  const onChange = async () => {
    broken = attempt();
    if (broken) {
      await sleep(secondLookMs);
      broken = attempt();
    }
    tell(broken);
  };
  const listener = (now: Stats, before: Stats) => {
    // It is also told once that a file is not there.
    if (now.mtimeMs !== before.mtimeMs || now.size !== before.size) void onChange();
  };
  for (const file of files) watchFile(file, { interval: everyMs, persistent: false }, listener);
  return {
    broken: () => broken,
    dispose: () => {
      for (const file of files) unwatchFile(file, listener);
    },
  };
}
