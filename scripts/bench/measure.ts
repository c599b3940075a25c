export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same of a peer, measured in the same run. */
  readonly peer?: { readonly name: string; readonly value: number };
  readonly goal: string;
  readonly isMet: boolean;
  readonly note?: string;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** @param share 0 to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
