import type { InstalledModel } from "./backend.ts";

/** What only makes vectors answers nothing; of what a server does not tell, it is supposed to. */
export function canChat({ capabilities }: Pick<InstalledModel, "capabilities">): boolean {
  return capabilities.length === 0 || capabilities.includes("completion");
}
