// What became of a request, for those who watch.
import type { DialectName } from "./exchange.ts";
import type { Sent } from "./respond.ts";

export interface Handled {
  /** Method and path as in the table of routes: nothing of what the client sent is in it. */
  readonly route: string;
  readonly dialect: DialectName;
  readonly status: number;
  /** `traceparent`, as the client sent it. */
  readonly traceParent: string | undefined;
  /** Unix ms. */
  readonly startMs: number;
  readonly endMs: number;
  /** Where a model was asked. */
  readonly sent: Sent | undefined;
}

export interface Tracing {
  handled(request: Handled): void;
  /** Sends what is left. */
  dispose(): Promise<void>;
}
