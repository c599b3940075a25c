// What starting and stopping containers says while it goes on.
import * as vscode from "vscode";
import { progressParts } from "../core/progress-text.ts";
import type { Leaving, UpEvent } from "../core/services.ts";
import { createSpeedometer, type Speedometer } from "../core/speedometer.ts";
import { signalOf } from "./cancellation.ts";
import { type Hurry, withHurry } from "./hurry.ts";
import { inform } from "./inform.ts";
import { say } from "./say.ts";
import type { ServicesView } from "./services-view.ts";

/** Tells what is done. @returns each service that answers, with its address */
export async function follow(events: AsyncIterable<UpEvent>, parts: Following): Promise<readonly string[]> {
  const found: string[] = [];
  const tell = teller(parts);
  for await (const event of events) {
    tell(event);
    if (event.kind === "ready") found.push(`${event.service}: ${event.address}`);
    if (event.kind !== "pull") parts.view.refresh();
  }
  return found;
}

interface Following {
  readonly view: ServicesView;
  readonly report: (message: string) => void;
  readonly hurry: Hurry;
}

export function teller({ report, hurry }: Omit<Following, "view">): (event: UpEvent) => void {
  const speed = createSpeedometer(() => performance.now());
  return (event) => {
    const text = textOf(event, speed);
    if (text) report(text);
    if (event.kind === "notice") inform(say(event.text));
    if (event.kind === "finishing") hurry.offer();
    else hurry.withdraw();
  };
}

/** With a title and, where answers are waited for, the offer not to. */
export function takeAway<Value>(
  title: string,
  work: (leaving: Leaving, signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  return withHurry(async (hurry) =>
    withProgress(title, (report, signal) => work({ hurry: hurry.signal, tell: teller({ report, hurry }) }, signal)),
  );
}

export function withProgress<Value>(
  title: string,
  work: (report: (message: string) => void, signal: AbortSignal) => Promise<Value>,
): Thenable<Value> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    (progress, token) => work((message) => progress.report({ message }), signalOf(token)),
  );
}

function textOf(event: UpEvent, speed: Speedometer): string | undefined {
  if (event.kind === "pull") {
    const bytesPerSecond = speed.saw(event.completedBytes);
    const { completedBytes, totalBytes } = event;
    const parts = progressParts({ completedBytes, totalBytes, ...(bytesPerSecond ? { bytesPerSecond } : {}) });
    return [event.image, ...parts.map(say)].join(" · ");
  }
  if (event.kind === "waiting") return vscode.l10n.t("{0}: waiting until it answers", event.service);
  if (event.kind === "finishing")
    return vscode.l10n.t(
      "{0}: still at work on answers; waiting for them, {1} s at most",
      event.service,
      event.limitMs / 1000,
    );
  if (event.kind === "queued") return say(event.text);
  if (event.kind === "build") return vscode.l10n.t("{0}: being made", event.image);
  return event.kind === "engine" ? event.address : undefined;
}
