import type { InstalledModel, Place } from "./backend.ts";
import type { Classification } from "./classify.ts";
import type { Message } from "./message.ts";
import type { TaskKind } from "./task.ts";

export const roles = ["code", "chinese", "general", "reasoning", "vision", "translation"] as const;
/** What a model is wanted for. Kind and language of a task choose the role; the catalogue lists the candidates. */
export type Role = (typeof roles)[number];

/** Where a task runs and why; part of every badge. */
export interface Route {
  readonly task: TaskKind;
  readonly classification: Classification;
  readonly role: Role;
  readonly model: string;
  readonly backend: string;
  readonly place: Place;
  /** Why this model, for people: "first choice for code that is installed". */
  readonly why: Message;
  /** What else could have answered, best first. */
  readonly alternatives: readonly Alternative[];
}

export interface Alternative {
  readonly model: string;
  /** Backend that has it; absent: not installed. */
  readonly backend?: string;
  readonly why: Message;
}

/** What the router needs to know of the world; found out by the caller. */
export interface Reachable {
  readonly models: readonly InstalledModel[];
  /** Memory that models may take on this machine, bytes. */
  readonly memoryBytes: number;
}
