// What to change so that it goes better: one setting each, with the evidence.
import type { InstalledModel } from "./backend.ts";
import type { Rating } from "./feedback.ts";
import type { Message } from "./message.ts";
import type { RunRecord } from "./run-record.ts";
import type { Settings } from "./settings.ts";
import type { TaskKind } from "./task.ts";

/** A setting, and what it would be. */
export type SettingChange = {
  readonly [Key in keyof Settings]: { readonly key: Key; readonly value: Settings[Key] };
}[keyof Settings];

export interface Advice {
  /** Stable while its cause is the same, for scripts: `slow:review:qwen2.5:7b`. */
  readonly id: string;
  readonly title: Message;
  readonly evidence: readonly Message[];
  /** One setting, so that before and after differ in one thing. */
  readonly change: SettingChange;
  /** What it would be, for people. */
  readonly changeText: Message;
  /** A model that has to be fetched first. */
  readonly needs?: string;
  /** What is asked before and after, in this order: one short question of each kind. */
  readonly probe: readonly TaskKind[];
  /** Context that the probe asks for where the settings let it, tokens. */
  readonly probeContextTokens?: number;
  /** Questions that the probe asks at once. */
  readonly probeAtOnce?: number;
}

export interface AdviceFacts {
  /** Oldest first. */
  readonly runs: readonly RunRecord[];
  readonly models: readonly InstalledModel[];
  /** Models that could be fetched and fit, best first. */
  readonly offers: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly ratings: readonly Rating[];
  readonly settings: Settings;
  /** Temperature that a kind of task is answered with now. */
  readonly temperatureOf: (kind: TaskKind) => number;
  readonly nowMs: number;
}
