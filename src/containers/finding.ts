import type { DoctorFinding } from "../core/services.ts";

/** What the doctor found, and how it can be mended. */
export interface Finding extends DoctorFinding {
  /** Absent: by hand. Reversible, and touches only what is ours. */
  readonly mend?: (signal: AbortSignal) => Promise<void>;
}
