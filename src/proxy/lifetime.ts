// How the service ends: without cutting what is begun, and only when nobody needs it.
import type { Server } from "node:http";
import type { Mount } from "./mount.ts";

export interface ServiceState {
  isDraining: boolean;
  connections: number;
  /** Requests that are being answered, streams that only listen among them. */
  open: number;
  /** When the last one ended, on a clock that never goes back. */
  lastMs: number;
  /** Those that have to end before the service does. */
  readonly active: Set<AbortController>;
}

export interface Lifetime {
  /** Lets go of the address at once; who is connected is served on. */
  release(): void;
  /** How long nobody has asked anything and no answer or stream is open, ms. */
  idleMs(): number;
  /** Takes nothing new, lets what is begun finish, stops what takes longer, and closes. */
  drain(limitMs: number): Promise<void>;
}

export function createLifetime(server: Server, state: ServiceState, mounts: readonly Mount[]): Lifetime {
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= new Promise((resolve) => server.close(() => resolve()));
    return closing;
  };
  return {
    release: () => void close(),
    idleMs: () => (state.open > 0 ? 0 : performance.now() - state.lastMs),
    async drain(limitMs) {
      state.isDraining = true;
      const endMs = performance.now() + limitMs;
      while (state.active.size > 0 && performance.now() < endMs) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      for (const each of state.active) each.abort();
      await Promise.all(mounts.map((mount) => mount.close()));
      const closed = close();
      server.closeIdleConnections();
      // Those that were stopped get a moment to be told so.
      const last = setTimeout(() => server.closeAllConnections(), 200);
      await closed;
      clearTimeout(last);
    },
  };
}
