// Where findings are now: they move with edits above them and go when their own lines change.
import type { Finding } from "../core/finding.ts";

export interface TrackedFinding {
  readonly id: number;
  readonly finding: Finding;
  /** Lines from 0, both inclusive. */
  readonly startLine: number;
  readonly endLine: number;
}

/** One change of a document: lines `startLine` to `endLine` (from 0, inclusive) became `lineCount` lines. */
export interface LineChange {
  readonly startLine: number;
  readonly endLine: number;
  readonly lineCount: number;
  /** Nothing but whitespace was put at the end of a line or before its first sign: what is there stays as it was. */
  readonly isBlank: boolean;
}

/** The finding after the change; undefined when the change touched its lines. */
export function moved(tracked: TrackedFinding, change: LineChange): TrackedFinding | undefined {
  const { startLine, endLine } = tracked;
  const shift = change.lineCount - (change.endLine - change.startLine + 1);
  if (change.startLine > endLine) return tracked;
  if (change.endLine < startLine || (change.endLine === startLine && change.isBlank && change.startLine < startLine)) {
    return { ...tracked, startLine: startLine + shift, endLine: endLine + shift };
  }
  return change.isBlank && shift === 0 ? tracked : undefined;
}
