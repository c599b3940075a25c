// No model can answer: none is there yet, or those that are there are in containers that do not run.
import { candidatesFor, offersFor } from "./catalogue.ts";
import { msg } from "./message.ts";
import type { Role } from "./role.ts";
import type { Settings } from "./settings.ts";
import { TaskError } from "./task-error.ts";

/** `stopped`: by the person. `silent`: they were started, and do not answer. */
export type Away = "stopped" | "silent";

export function modelsAway(away: Away): TaskError {
  const text =
    away === "stopped"
      ? msg(
          "The containers with your models are stopped. Start them with “Start Services”, or in a shell: switchyard up",
        )
      : msg(
          "The container with your models does not answer. “Start Services” starts it, or in a shell: switchyard up. What is wrong: switchyard doctor",
        );
  return new TaskError("server-unreachable", text, { details: { areContainersAway: true } });
}

interface Here {
  readonly memoryBytes: number;
  readonly canBeHad?: ReadonlySet<string>;
  readonly away?: Away;
}

/** @param here what there is of memory, tags that can be had, and containers */
export function nothingInstalled(role: Role, here: Here, settings: Settings): TaskError {
  const { memoryBytes, canBeHad, away } = here;
  // The same models are not to be got once more.
  if (away) return modelsAway(away);
  const fitting = offersFor(memoryBytes, settings.modelProfile).filter(
    (offer) => offer.fits && canBeHad?.has(offer.name) !== false,
  );
  const wanted = candidatesFor(role, settings.modelProfile);
  const suggestedModel =
    wanted.find((tag) => fitting.some((offer) => offer.name === tag)) ?? fitting.at(-1)?.name ?? "smollm2:135m";
  return new TaskError(
    "model-missing",
    msg("No model is installed that can answer. Get one first; {0} suits this task and this machine.", suggestedModel),
    { details: { suggestedModel } },
  );
}
