// What an ask wants of a model besides answering, and what is said where no model can do it.
import type { InstalledModel } from "./backend.ts";
import { candidatesFor, offersFor } from "./catalogue.ts";
import { isAnswerBegun } from "./chat-message.ts";
import { formatDate } from "./format-time.ts";
import { type Message, msg } from "./message.ts";
import { hasPictures } from "./pictures.ts";
import type { Settings } from "./settings.ts";
import type { Ask } from "./task.ts";
import { TaskError } from "./task-error.ts";
import type { ToolTest } from "./tool-test.ts";

/** `goesOn`: with an answer that is begun. */
export type Need = "vision" | "tools" | "goesOn";

export function needsOf(ask: Ask): readonly Need[] {
  const { toolUse, messages = [] } = ask.ownPrompt ?? {};
  // A call that has to be made is made with a grammar, which every model can follow.
  const hasTools = toolUse !== undefined && toolUse.tools.length > 0 && toolUse.choice.kind === "auto";
  return [
    ...(hasPictures(ask) ? ["vision" as const] : []),
    ...(hasTools ? ["tools" as const] : []),
    ...(isAnswerBegun(messages) ? ["goesOn" as const] : []),
  ];
}

/** Also where neither the server nor a test tells what a model can. */
export function can(model: Able, need: Need): boolean {
  if (need === "goesOn") return model.goesOn === true;
  return surelyCan(model, need) || (model.capabilities.length === 0 && !hasFailed(model, need));
}

type Able = Pick<InstalledModel, "capabilities" | "toolTest" | "goesOn">;

/** Where a test was run it is believed, and the server only where there was none. */
export function surelyCan(model: Able, need: Need): boolean {
  if (need === "tools" && model.toolTest) return !hasFailed(model, need);
  return model.capabilities.includes(need);
}

/** Whether a test has shown that it cannot, whatever its server says. */
export function hasFailed({ toolTest }: Able, need: Need): boolean {
  return need === "tools" && toolTest?.calls === "no";
}

export function cannot(unable: InstalledModel, needs: readonly Need[], usable: readonly InstalledModel[]): TaskError {
  const { name: model, toolTest } = unable;
  const other = usable[0]?.name;
  const isSeeing = needs.includes("vision") && !can(unable, "vision");
  if (needs.every((need) => need === "goesOn" || can(unable, need))) return cannotGoOn(model, other);
  if (!isSeeing && toolTest) return new TaskError("bad-input", calledNone(toolTest, other));
  if (other !== undefined) {
    const text = isSeeing
      ? msg("{0} cannot see pictures. Nothing was asked. {1} can: choose it, or send text only.", model, other)
      : msg("{0} cannot call tools. Nothing was asked. {1} can: choose it, or send no tools.", model, other);
    return new TaskError("bad-input", text);
  }
  const text = isSeeing
    ? msg(
        "{0} cannot see pictures, and no model here can. Nothing was asked. Get one that can, or send text only.",
        model,
      )
    : msg(
        "{0} cannot call tools, and no model here can. Nothing was asked. Get one that can, or send no tools.",
        model,
      );
  return new TaskError("bad-input", text);
}

/** A server that does not know how would answer anew, as if nothing had been begun. */
function cannotGoOn(model: string, other: string | undefined): TaskError {
  const text =
    other === undefined
      ? msg(
          "{0} does not go on with an answer that is begun, and no model here does. Nothing was asked. Let the last message be the user’s, or use a model of Ollama, the built-in engine, vLLM, SGLang or llama.cpp.",
          model,
        )
      : msg(
          "{0} does not go on with an answer that is begun. Nothing was asked. {1} does: choose it, or let the last message be the user’s.",
          model,
          other,
        );
  return new TaskError("bad-input", text);
}

function calledNone({ model, atMs }: ToolTest, other: string | undefined): Message {
  const tested = formatDate(atMs);
  return other === undefined
    ? msg(
        "{0} called no tool when it was tested on {1}, and no model here can. Nothing was asked. Get one that can, test this one again, or send no tools.",
        model,
        tested,
      )
    : msg(
        "{0} called no tool when it was tested on {1}. Nothing was asked. {2} can: choose it, test this one again, or send no tools.",
        model,
        tested,
        other,
      );
}

/** Smaller models neither see nor call well. */
const ableBytes = 2 * 2 ** 30;

export function nothingCan(
  needs: readonly Need[],
  able: readonly InstalledModel[],
  memoryBytes: number,
  settings: Settings,
): TaskError {
  const [first] = able;
  if (first && needs.every((need) => need === "goesOn")) return cannotGoOn(first.name, undefined);
  const isSeeing = needs.includes("vision");
  const offers = offersFor(memoryBytes, settings.modelProfile).filter((offer) => offer.sizeBytes > ableBytes);
  const wanted = candidatesFor(isSeeing ? "vision" : "general", settings.modelProfile);
  const fits = (tag: string) => offers.some((offer) => offer.name === tag && offer.fits);
  const failed = able.find((model) => hasFailed(model, "tools"));
  const suggestedModel = wanted.find(fits) ?? wanted.find((tag) => offers.some((offer) => offer.name === tag)) ?? "";
  const text = isSeeing
    ? msg(
        "No model here can see pictures. Nothing was asked. Get one that can, such as {0}, or send text only.",
        suggestedModel,
      )
    : failed
      ? msg(
          "No model here can call tools; {0} called none when it was tested. Nothing was asked. Get one that can, such as {1}, or send no tools.",
          failed.name,
          suggestedModel,
        )
      : msg(
          "No model here can call tools. Nothing was asked. Get one that can, such as {0}, or send no tools.",
          suggestedModel,
        );
  return new TaskError("model-missing", text, { details: { suggestedModel } });
}

export interface Asking {
  readonly isOffline: boolean;
  /** Another program asks, through the service. */
  readonly isProgram: boolean;
}

/** @param isInstalled whether it is there all the same: what makes vectors gives no answers */
export function notAnswering(model: string, isInstalled: boolean, asking: Asking): TaskError {
  if (isInstalled) {
    const text = msg("{0} makes vectors of texts and gives no answers. Choose another model.", model);
    return new TaskError("bad-input", text);
  }
  if (model.startsWith("claude-")) return noClaude(model, asking);
  return new TaskError(
    "model-missing",
    msg("The model {0} was asked for, but no server here has it. Get it, or choose another model.", model),
    { details: { suggestedModel: model } },
  );
}

/** Claude is not got like a model; what keeps it away is told. */
function noClaude(model: string, { isOffline, isProgram }: Asking): TaskError {
  if (isOffline) {
    return new TaskError(
      "local-only",
      msg("Nothing was sent to {0}: Offline is on. Choose a model that is here.", model),
    );
  }
  const text = isProgram
    ? msg(
        "{0} is a model of Claude. Programs reach it through this service with “switchyard.serviceClaude” set to “pass”, in Anthropic’s dialect. Choose a model that is here, such as switchyard/auto.",
        model,
      )
    : msg(
        "{0} is a model of Claude, which cannot be asked: there is no key (ANTHROPIC_API_KEY, or “Set Claude API Key…” in the editor), or its price is not known. Choose another model.",
        model,
      );
  return new TaskError("model-missing", text);
}
