import type { DoctorFinding, Leaving, UpEvent } from "../core/services.ts";

/** Reversible, and touches only what is ours. */
export type Mend = (leaving: Leaving, signal: AbortSignal) => Promise<void>;

/** What the doctor found, and how it can be mended. */
export interface Finding extends DoctorFinding {
  /** Absent: by hand. */
  readonly mend?: Mend;
}

/** For a repair that is work with events. */
export async function tellAll(events: AsyncIterable<UpEvent>, { tell }: Leaving): Promise<void> {
  for await (const event of events) tell?.(event);
}
