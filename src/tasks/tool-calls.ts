// Calls of tools in a model's answer, also where the model writes them as text.
import { msg } from "../core/message.ts";
import type { ModelEvent } from "../core/model-event.ts";
import { each, type Stream, stream, takeAll } from "../core/stream.ts";
import { TaskError } from "../core/task-error.ts";
import { callableTools, type ToolUse } from "../core/tool.ts";
import { createToolText } from "../core/tool-text.ts";

/**
 * Passes an answer on with its calls as events. What was cut before its end is never taken for a call.
 * @throws TaskError `bad-response` where the model had to call and did not
 */
export function readToolCalls(events: AsyncIterable<ModelEvent>, use: ToolUse): Stream<ModelEvent> {
  return stream((take) => {
    const text = createToolText(new Set(callableTools(use).map((tool) => tool.name)));
    let calls = 0;
    const said = (words: string): readonly ModelEvent[] => (words === "" ? [] : [{ kind: "text", text: words }]);
    const mayCall = () => calls++ === 0 || use.isParallel;
    return each(events, (event) => {
      if (event.kind === "text") return takeAll(said(text.push(event.text)), take);
      if (event.kind === "tool-call") return mayCall() ? take(event) : undefined;
      if (event.kind !== "done") return take(event);
      const end = event.finish === "stop" ? text.end() : { text: text.rest(), calls: [] };
      const made = end.calls.filter(mayCall).map((call): ModelEvent => ({ kind: "tool-call", call }));
      const hasToCall = use.choice.kind === "required" && event.finish === "stop";
      if (calls === 0 && hasToCall) return refuseAfter(takeAll(said(end.text), take));
      return takeAll([...said(end.text), ...made, event], take);
    });
  });
}

async function refuseAfter(shown: Promise<void> | undefined): Promise<never> {
  await shown;
  throw new TaskError(
    "bad-response",
    msg("The model had to call a tool and did not. Ask again, or use a model that is better at it."),
  );
}
