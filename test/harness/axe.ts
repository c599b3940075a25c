// axe-core, the checker that the field uses, on one of our pages as it is drawn now.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** @param frame a page, or the frame of one in the editor @returns each fault with the first element that has it */
export async function accessibilityFaults(frame: Pick<Page, "evaluate">): Promise<readonly string[]> {
  const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  // The page's policy lets no script in; the debugger may.
  await frame.evaluate(source);
  const { violations }: { violations: readonly Violation[] } = await frame.evaluate(() =>
    Reflect.get(window, "axe").run(document),
  );
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.html}`);
}
