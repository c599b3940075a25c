// Short questions of our own, to measure with.
import type { Advice } from "../core/advice.ts";
import type { Probed, ProbeResult } from "../core/apply-advice.ts";
import type { Backend, InstalledModel } from "../core/backend.ts";
import { usualContextTokens } from "../core/context.ts";
import { type CountedPrompt, countPrompt } from "../core/count-prompt.ts";
import { msg } from "../core/message.ts";
import type { Route } from "../core/route.ts";
import type { Settings } from "../core/settings.ts";
import type { Ask, TaskKind } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { type LeaveParts, recordAway } from "./leave.ts";

export interface ProbeParts {
  readonly settings: () => Settings;
  readonly preview: (ask: Ask, signal: AbortSignal) => Promise<Route>;
  readonly findWorld: (signal: AbortSignal) => Promise<{
    readonly models: readonly InstalledModel[];
    readonly backends: ReadonlyMap<string, Backend>;
  }>;
  /** Lets in as many at once as the settings allow. */
  readonly turnstile: { pass<Event>(work: () => AsyncIterable<Event>, signal: AbortSignal): AsyncIterable<Event> };
  /** A clock that never goes back, ms. */
  readonly nowMs: () => number;
  /** For servers on other machines: that they were asked is recorded. */
  readonly leaving: LeaveParts;
}

const question =
  "A function adds the numbers of a list and divides by their count. Say in a few sentences what goes wrong for an empty list, and how to mend it.";
const answerTokens = 48;
const realLoadMs = 300;

type Plan = Pick<Advice, "probe" | "probeContextTokens" | "probeAtOnce">;

export function createProbe(parts: ProbeParts) {
  return async (plan: Plan, signal: AbortSignal): Promise<ProbeResult> => {
    const startMs = parts.nowMs();
    const answers: Probed[] = [];
    for (const task of plan.probe) {
      const atOnce = Array.from({ length: plan.probeAtOnce ?? 1 }, () => askOnce(task, plan, parts, signal));
      answers.push(...(await Promise.all(atOnce)));
    }
    return { answers, totalMs: parts.nowMs() - startMs };
  };
}

async function askOnce(task: TaskKind, plan: Plan, parts: ProbeParts, signal: AbortSignal): Promise<Probed> {
  const { settings, preview, findWorld, turnstile, nowMs, leaving } = parts;
  const ask: Ask = { kind: task, text: question, sources: [], history: [] };
  const route = await preview(ask, signal);
  const { models, backends } = await findWorld(signal);
  const backend = backends.get(route.backend);
  const model = models.find((each) => each.name === route.model && each.backend === route.backend);
  if (!backend || !model || route.place === "cloud") {
    throw new TaskError("model-missing", msg("Only models of your own are measured; {0} is none.", route.model));
  }
  const most = Math.min(settings().maxContextTokens, model.contextTokens ?? usualContextTokens);
  const request = {
    model: route.model,
    messages: [{ role: "user", content: question } as const],
    sampling: { temperature: 0.1, topP: 0.9, repeatPenalty: 1.1 },
    contextTokens: Math.min(most, plan.probeContextTokens ?? usualContextTokens),
    maxTokens: answerTokens,
    think: false,
  };
  const sent = { ask, route: { task }, countTokens: (prompt: CountedPrompt) => countPrompt(prompt) };
  const [node] = recordAway([{ model, backend }], sent, leaving);
  const run = node?.run ?? backend.run.bind(backend);
  const startMs = nowMs();
  let firstMs: number | undefined;
  for await (const event of turnstile.pass(() => run(request, signal), signal)) {
    if (event.kind === "text") firstMs ??= nowMs();
    if (event.kind !== "done") continue;
    const { loadMs, decodeMs, answerTokens: made } = event.stats;
    return {
      task,
      model: route.model,
      loadMs: loadMs >= realLoadMs ? loadMs : 0,
      firstTokenMs: (firstMs ?? nowMs()) - startMs,
      tokensPerSecond: decodeMs > 0 ? (made / decodeMs) * 1000 : 0,
    };
  }
  throw new TaskError("bad-response", msg("{0} gave no answer to a short question.", route.model));
}
