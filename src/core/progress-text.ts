import type { PullProgress } from "./backend.ts";
import { formatBytes } from "./format-bytes.ts";
import { formatCountdown } from "./format-time.ts";
import { type Message, msg } from "./message.ts";

/** Bytes, speed and time left, as far as they are known; empty before the first byte. */
export function progressParts(progress: Omit<PullProgress, "status">): readonly Message[] {
  const { completedBytes, totalBytes, bytesPerSecond, restarts } = progress;
  if (completedBytes === undefined || !totalBytes) return [];
  const leftBytes = totalBytes - completedBytes;
  const isMoving = bytesPerSecond !== undefined && bytesPerSecond > 0 && leftBytes > 0;
  return [
    msg("{0} of {1}", formatBytes(completedBytes), formatBytes(totalBytes)),
    ...(isMoving ? [msg("{0}/s", formatBytes(bytesPerSecond))] : []),
    ...(isMoving ? [msg("{0} left", formatCountdown((leftBytes / bytesPerSecond) * 1000))] : []),
    ...(restarts ? [msg("asked again {0} times", restarts)] : []),
  ];
}

/** 0 to 100; undefined before the first byte. */
export function percentOf({ completedBytes, totalBytes }: Omit<PullProgress, "status">): number | undefined {
  return completedBytes === undefined || !totalBytes ? undefined : (completedBytes / totalBytes) * 100;
}

/** What servers say of each step, in words; what none of them is known to say stands as it came. */
const steps: readonly (readonly [said: RegExp, text: (name: string) => Message])[] = [
  [/^pulling manifest$/, () => msg("asking what belongs to it")],
  [/^pulling (.+)$/, (name) => msg("fetching {0}", name)],
  [/^trying (.+)$/, (name) => msg("trying {0}", name)],
  [/^verifying sha256 digest$/, () => msg("checking what arrived")],
  [/^(?:writing manifest|removing any unused layers)$/, () => msg("putting it in its place")],
  [/^asking again$/, () => msg("asking again")],
  [/^success$/, () => msg("done")],
];

/** Why a source of weights could not be used, as the built-in engine tells it; anything else stands as it came. */
const reasons: Readonly<Record<string, Message>> = {
  "name not found": msg("name not found"),
  "connection refused": msg("connection refused"),
  "no answer in time": msg("no answer in time"),
  "the connection was cut": msg("the connection was cut"),
  "no way to that network": msg("no way to that network"),
  "there is no such file": msg("there is no such file"),
  "that is a folder": msg("that is a folder"),
  "its certificate is not trusted": msg("its certificate is not trusted"),
  "there is no such file (HTTP 404)": msg("there is no such file (HTTP {0})", 404),
  "it refuses (HTTP 401)": msg("it refuses (HTTP {0})", 401),
  "it refuses (HTTP 403)": msg("it refuses (HTTP {0})", 403),
  "a web page instead of a file": msg("a web page instead of a file"),
  "no Python with pip is installed": msg("no Python with pip is installed"),
};

export const reasonText = (said: string): Message | string => reasons[said] ?? said;

/** @param status as the server that has the model sends it */
export function stepText(status: string, say: (message: Message) => string): string {
  for (const [said, text] of steps) {
    const match = said.exec(status);
    if (match) return say(text(match[1] ?? ""));
  }
  const [, source = "", why = ""] = /^(\S+:\/\/\S+|Python packages \(.+?\)): (.+)$/.exec(status) ?? [];
  if (source !== "") return say(msg("{0}: {1}", source, reasonText(why)));
  return status;
}
