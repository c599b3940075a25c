import type { ServerStatus } from "../core/app.ts";
import type { Leaving, UpEvent } from "../core/services.ts";
import type { Engine } from "./engine.ts";
import type { Farewell } from "./let-finish.ts";
import type { ServiceTools } from "./service-tools.ts";

/** What the doctor looks with, and mends. */
export interface DoctorTools extends ServiceTools {
  /** The model servers that answer, and what was tried. */
  readonly servers: (signal: AbortSignal) => Promise<readonly ServerStatus[]>;
  /** For what a repair takes away or makes anew. */
  readonly farewellTo: (engine: Engine, leaving: Leaving) => Farewell;
  /** As `up`. @property remade id of a container that is made anew also where it is as it is wanted */
  readonly startAll: (wish: Leaving & { readonly remade?: string }, signal: AbortSignal) => AsyncIterable<UpEvent>;
}
