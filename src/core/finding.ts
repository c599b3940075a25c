export type Severity = "problem" | "suggestion" | "style";

/** One remark of a review. Lines count from 1 in the file and are found again by `quote`, never trusted from the model. */
export interface Finding {
  /** `uri` of the source it is about. */
  readonly uri: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly severity: Severity;
  readonly title: string;
  readonly body: string;
  /** The source text it is about, as it stands in the file; empty when the model quoted nothing that is there. */
  readonly quote: string;
  /** Text to put in place of `quote`. */
  readonly replacement?: string;
}
