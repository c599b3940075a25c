// The walkthrough as a person sees it: its selectors stand here.
import type { Locator } from "playwright-core";
import type { Workbench } from "./workbench.ts";

export interface WalkthroughStep {
  /** Unfolds the step of the open walkthrough and clicks the button in it. */
  choose(button: string): Promise<void>;
  isDone(): Promise<boolean>;
}

/** @param id as package.json calls it */
export function walkthroughStep(workbench: Workbench, id: string): WalkthroughStep {
  const step = workbench.page.locator(`[data-step-id="switchyard.switchyard#start#${id}"]`);
  return {
    async choose(button) {
      await unfold(step);
      await step.locator(".monaco-button, .button-link", { hasText: button }).first().click();
    },
    async isDone() {
      return (await step.locator(".codicon-getting-started-step-checked").count()) > 0;
    },
  };
}

/** The editor gives a step the focus some time after it was unfolded, which would close a list that has opened by then. */
async function unfold(step: Locator): Promise<void> {
  await step.waitFor();
  if ((await step.getAttribute("aria-expanded")) === "true") return;
  await step.dispatchEvent("click");
  await step.and(step.page().locator(":focus")).waitFor();
}
