// One prompt on its way to the model, and what comes back of it.
import type { ModelRequest } from "../core/backend.ts";
import { countPrompt } from "../core/count-prompt.ts";
import type { ModelEvent } from "../core/model-event.ts";
import { beside, type Stream, stream } from "../core/stream.ts";
import { withoutEcho } from "./echo.ts";
import type { Run } from "./leave.ts";
import { cutShort, type Watched, watchAnswer } from "./loop-guard.ts";
import type { Job } from "./prepare.ts";
import type { PromptStep } from "./task-definition.ts";
import { readToolCalls } from "./tool-calls.ts";

export function watchStep(step: PromptStep): Watched {
  return watchAnswer(
    () => countPrompt(step),
    () => performance.now(),
  );
}

/** What the model says: tool calls read, without loops and without our own instructions. */
export function answered(job: Job, step: PromptStep, watched: Watched, way: Run, signal: AbortSignal) {
  const asked = ask(job, step, way, signal);
  const model = cutShort(step.toolUse ? readToolCalls(asked, step.toolUse) : asked, watched, step.language);
  return withoutEcho(model, step.instructions);
}

function ask(job: Job, step: PromptStep, way: Run, signal: AbortSignal): Stream<ModelEvent> {
  return stream((take) =>
    beside(way(requestOf(job, step), signal), take, (event) => {
      if (event.kind === "done" && !event.stats.estimated) {
        // With earlier turns in it, much of a prompt may have been read before, and older servers do not count that.
        const isFirst = step.messages.every((message) => message.role !== "assistant");
        if (isFirst) job.sawCount(step, event.stats.promptTokens);
      }
      return take(event);
    }),
  );
}

/** Every request the task will make, in order; a part that fails its check is asked once more. */
export function requestsOf(job: Job): readonly ModelRequest[] {
  return job.steps.flatMap((step) => (step.kind === "prompt" ? [requestOf(job, step)] : []));
}

function requestOf(job: Job, step: PromptStep): ModelRequest {
  // The answer may not grow past the window: the server would drop the beginning of the prompt to make room.
  const promptTokens = job.countTokens(step);
  const room = job.base.contextTokens - promptTokens;
  const wanted = Math.min(step.maxTokens ?? room, job.base.maxTokens ?? room, room);
  const request = {
    ...job.base,
    ...(step.sampling ? { sampling: step.sampling } : {}),
    messages: step.messages,
    promptTokens,
    maxTokens: Math.max(1, wanted),
  };
  return {
    ...request,
    ...(step.format ? { format: step.format } : {}),
    ...(step.toolUse ? { toolUse: step.toolUse } : {}),
  };
}
