import type { TaskError } from "../core/task-error.ts";
import type { Terminal } from "./terminal.ts";

/** What would hold a prompt that did not fit, for a person at a shell. */
export function remedyLines({ details }: TaskError, { t, say }: Pick<Terminal, "t" | "say">): readonly string[] {
  const { window, models = [] } = details.remedies ?? {};
  return [
    ...(window
      ? [t("“maxContextTokens”: {0} in the settings would hold it. {1}", window.contextTokens, say(window.says))]
      : []),
    ...(models.length > 0 ? [t("Installed models that hold it: {0} (--model)", models.join(", "))] : []),
  ];
}
