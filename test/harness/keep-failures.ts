import { afterEach } from "vitest";
import type { Workbench } from "./workbench.ts";

/** Takes a picture of the editor after each test that fails; of none, where there is no editor. */
export function keepFailures(workbench: () => Workbench | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    await workbench()?.screenshot(`failed-${task.name.slice(0, 60).replace(/\W+/g, "-")}`);
  });
}
