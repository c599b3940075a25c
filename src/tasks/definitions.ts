import type { TaskKind } from "../core/task.ts";
import { analyze } from "./analyze.ts";
import { chat } from "./chat.ts";
import { code } from "./code.ts";
import { create } from "./create.ts";
import { document } from "./document.ts";
import { explain } from "./explain.ts";
import { review } from "./review.ts";
import type { TaskDefinition } from "./task-definition.ts";
import { translate } from "./translate.ts";

export const definitions: Readonly<Record<TaskKind, TaskDefinition>> = {
  review,
  translate,
  explain,
  document,
  create,
  analyze,
  code,
  chat,
};
