// Runs the planned requests of one task, one after the other.
import type { AnswerEvent } from "../core/answer.ts";
import { beside, type Stream, stream } from "../core/stream.ts";
import { addStats, noStats } from "./add-stats.ts";
import { answered, watchStep } from "./ask-model.ts";
import type { Run } from "./leave.ts";
import type { Job } from "./prepare.ts";
import { throughReader } from "./read-answer.ts";
import { otherSampling, runTwice, told } from "./second-try.ts";
import type { PromptStep } from "./task-definition.ts";
import { type Lines, untranslatedText } from "./untranslated.ts";

type Done = Extract<AnswerEvent, { kind: "done" }>;

/** Runs a planned task. `way` takes each request to its model. */
export function runSteps(job: Job, way: Run, signal: AbortSignal): Stream<AnswerEvent> {
  return stream(async (take) => {
    const total = job.steps.filter((step) => step.kind === "prompt").length;
    const finished: Done[] = [];
    const left: Lines[] = [];
    const places: number[] = [];
    let written = 0;
    for (const step of job.steps) {
      if (step.kind !== "prompt") {
        if (step.kind === "literal") written += step.text.length;
        await take(step.kind === "literal" ? { kind: "text", text: step.text } : step);
        continue;
      }
      const before = { written, left: left.length };
      await beside(runPrompt(job, step, way, left, signal), take, (event) => {
        if (event.kind === "text") written += event.text.length;
        if (event.kind !== "done") return take(event);
        finished.push(event);
        return undefined;
      });
      if (left.length > before.left) places.push(before.written);
      if (total > 1) await take({ kind: "progress", done: finished.length, total });
    }
    if (left.length > 0) await take({ kind: "notice", text: untranslatedText(left, total), failed: "form", places });
    await take({
      kind: "done",
      stats: finished.map(({ stats }) => stats).reduce(addStats, noStats),
      finish: finished.some(({ finish }) => finish === "length") ? "length" : "stop",
    });
  });
}

/** Runs one prompt; yields exactly one `done`, last. @param left gets where the original stands instead */
function runPrompt(
  job: Job,
  step: PromptStep,
  way: Run,
  left: Lines[],
  signal: AbortSignal,
): AsyncIterable<AnswerEvent> {
  if (step.check) return runChecked(job, step, { ...step.check, left }, way, signal);
  if (!step.read) return runTwice(job, step, way, signal);
  const watched = watchStep(step);
  return throughReader(told(answered(job, step, watched, way, signal), watched), step.read, watched);
}

/** Holds the answer back until it is whole and accepted; asks once more, then shows what stands in for it. */
async function* runChecked(
  job: Job,
  step: PromptStep,
  check: NonNullable<PromptStep["check"]> & { readonly left: Lines[] },
  way: Run,
  signal: AbortSignal,
): AsyncIterable<AnswerEvent> {
  let stats = noStats;
  let finish: Done["finish"] = "stop";
  for (let attempt = 0; attempt < 2; attempt++) {
    const shown: AnswerEvent[] = [];
    const tried = attempt === 0 ? step : { ...step, sampling: otherSampling(job.base.sampling) };
    const watched = watchStep(tried);
    const model = answered(job, tried, watched, way, signal);
    for await (const event of step.read ? throughReader(model, step.read, watched) : model) {
      if (event.kind === "done") {
        stats = addStats(stats, event.stats);
        finish = event.finish;
      } else if (event.kind === "text" || event.kind === "finding") shown.push(event);
      else yield event;
    }
    const answer = shown.map((event) => (event.kind === "text" ? event.text : "")).join("");
    if (finish === "stop" && watched.cut() === undefined && check.accept(answer)) {
      yield* shown;
      yield { kind: "done", stats, finish };
      return;
    }
  }
  check.left.push(check.lines);
  yield { kind: "text", text: check.otherwise };
  yield { kind: "done", stats, finish: "stop" };
}
