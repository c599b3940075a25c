// VS Code's own chat, as a person sees it: its selectors stand here.
import type { Locator } from "playwright-core";
import type { Workbench } from "./workbench.ts";

/** Where a question gets an answer and nothing is edited. @param model what it chooses by itself */
export async function openEditorChat(workbench: Workbench, model: string): Promise<void> {
  await workbench.runCommand("Chat: Open Chat (Ask)");
  await workbench.page.locator(".interactive-input-part", { hasText: model }).first().waitFor();
}

/** @returns the list of questions and answers, of which the newest can be seen */
export async function askEditorChat(workbench: Workbench, text: string): Promise<Locator> {
  await workbench.page.locator(".interactive-input-part .monaco-editor").first().click();
  await workbench.page.keyboard.press("Control+A");
  await workbench.page.keyboard.type(text, { delay: 30 });
  // Suggestions may open late and take the key for themselves; what was sent is not in the box any more.
  do {
    await workbench.page.keyboard.press("Escape");
    await workbench.page.keyboard.press("Enter");
  } while (!(await isSent(workbench, text)));
  return workbench.page.locator(".interactive-list").first();
}

function isSent({ page }: Workbench, text: string): Promise<boolean> {
  const typed = page.locator(".interactive-input-part .view-lines", { hasText: text }).first();
  return typed.waitFor({ state: "hidden", timeout: 3_000 }).then(
    () => true,
    () => false,
  );
}
