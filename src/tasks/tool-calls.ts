// Calls of tools in a model's answer, also where the model writes them as text.
import { msg } from "../core/message.ts";
import type { ModelEvent } from "../core/model-event.ts";
import { TaskError } from "../core/task-error.ts";
import { callableTools, type ToolUse } from "../core/tool.ts";
import { createToolText } from "../core/tool-text.ts";

/**
 * Passes an answer on with its calls as events. What was cut before its end is never taken for a call.
 * @throws TaskError `bad-response` where the model had to call and did not
 */
export async function* readToolCalls(events: AsyncIterable<ModelEvent>, use: ToolUse): AsyncIterable<ModelEvent> {
  const text = createToolText(new Set(callableTools(use).map((tool) => tool.name)));
  let calls = 0;
  const mayCall = () => use.isParallel || calls === 0;
  for await (const event of events) {
    if (event.kind === "text") {
      const shown = text.push(event.text);
      if (shown !== "") yield { kind: "text", text: shown };
      continue;
    }
    if (event.kind === "tool-call") {
      if (mayCall()) yield event;
      calls++;
      continue;
    }
    if (event.kind === "done") {
      const end = event.finish === "stop" ? text.end() : { text: text.rest(), calls: [] };
      if (end.text !== "") yield { kind: "text", text: end.text };
      for (const call of end.calls) {
        if (mayCall()) yield { kind: "tool-call", call };
        calls++;
      }
      if (calls === 0 && use.choice.kind === "required" && event.finish === "stop") throw didNotCall();
    }
    yield event;
  }
}

function didNotCall(): TaskError {
  return new TaskError(
    "bad-response",
    msg("The model had to call a tool and did not. Ask again, or use a model that is better at it."),
  );
}
