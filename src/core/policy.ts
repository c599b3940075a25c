// What may leave this machine. Pure; every door of the product goes through it, and what is not known stays here.
import type { InstalledModel } from "./backend.ts";
import type { LocalOnlyPart, PrivacyRule } from "./local-only.ts";
import { type Message, msg } from "./message.ts";
import type { Settings } from "./settings.ts";
import type { Ask } from "./task.ts";
import { TaskError } from "./task-error.ts";

/** Every part of the ask that has to stay, those for the whole of it first. Empty: all of it may leave. */
export function localOnlyParts(ask: Ask, settings: Settings): readonly LocalOnlyPart[] {
  const everything: readonly PrivacyRule[] = [
    ...(settings.offline ? [{ kind: "offline" } as const] : []),
    ...(settings.localOnly ? [{ kind: "workspace" } as const] : []),
    ...(ask.localOnly ? [ask.localOnly] : []),
  ];
  const whole = everything.map((rule) => ({ label: "", rule }));
  const sources = ask.sources.flatMap(({ label, localOnly }) => (localOnly ? [{ label, rule: localOnly }] : []));
  const history = ask.history.flatMap((turn) => turn.localOnly ?? []);
  const seen = new Set<string>();
  return [...whole, ...sources, ...history].filter((part) => {
    const key = JSON.stringify([part.label, part.rule]);
    return !seen.has(key) && seen.add(key);
  });
}

/** Whether a model computes where local-only text may go: here, or, unless offline, on a host that the person calls their own. */
export function isLocalPlace(model: Pick<InstalledModel, "place" | "host">, settings: Settings): boolean {
  if (model.place === "this-machine") return true;
  return !settings.offline && model.place === "network" && isTrustedHost(model.host, settings);
}

/** @param host as in a URL: `gpu-box:11434`, or without the port for every port of it */
export function isTrustedHost(host: string | undefined, settings: Settings): boolean {
  if (host === undefined || host === "") return false;
  const name = host.toLowerCase();
  const bare = name.replace(/:\d+$/, "");
  return settings.trustedHosts.some((trusted) => trusted.toLowerCase() === name || trusted.toLowerCase() === bare);
}

/** The models that may see this prompt. With local-only parts, those of local places alone. */
export function allowedModels(
  models: readonly InstalledModel[],
  parts: readonly LocalOnlyPart[],
  settings: Settings,
): readonly InstalledModel[] {
  return parts.length === 0 ? models : models.filter((model) => isLocalPlace(model, settings));
}

/** A rule in words. */
export function describeRule(rule: PrivacyRule): Message {
  switch (rule.kind) {
    case "offline":
      return msg("the switch “Offline” is on");
    case "workspace":
      return rule.folder === undefined
        ? msg("this workspace is local only")
        : msg("the workspace {0} is local only", rule.folder);
    case "agents":
      return msg("what programs of the editor ask stays on this machine");
    case "window":
      return msg("the folder {0}, which is open in the editor, is local only", rule.folder);
    case "glob":
      return msg("the pattern “{0}” in “switchyard.localOnlyPaths”", rule.glob);
    case "marker":
      return msg("the file .localonly in {0}", rule.folder);
    case "unchecked":
      return msg("its rules could not be read ({0})", rule.reason);
  }
}

/** One part in words: which file, and which rule. */
export function describePart({ label, rule }: LocalOnlyPart): Message {
  const because = describeRule(rule);
  return label === "" ? because : msg("{0} is local only ({1})", label, because);
}

/** The error for a prompt that has to stay where nothing here can answer it. Names the file and the rule. */
export function refuseToLeave(parts: readonly LocalOnlyPart[], cause?: TaskError): TaskError {
  return new TaskError(
    "local-only",
    msg(
      "Nothing was sent: {0}, and no model on this machine can answer. Get a local model, leave that text out, or change the rule.",
      why(parts),
    ),
    cause ? { cause, details: cause.details } : {},
  );
}

/** The error for a model elsewhere that was named for a prompt that has to stay. */
export function refuseModel(model: string, parts: readonly LocalOnlyPart[]): TaskError {
  return new TaskError(
    "local-only",
    msg(
      "Nothing was sent to {0}: {1}. Choose a model on this machine, leave that text out, or start a new chat.",
      model,
      why(parts),
    ),
  );
}

function why(parts: readonly LocalOnlyPart[]): Message {
  return parts[0] ? describePart(parts[0]) : describeRule({ kind: "offline" });
}
