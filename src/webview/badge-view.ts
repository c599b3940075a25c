import type { Badge } from "../core/answer.ts";
import { formatUsd } from "../core/cost.ts";
import { evidenceTexts, kindName, outcomeName, placeName, serverName } from "../core/names.ts";
import { describePart } from "../core/policy.ts";
import { type TaskKind, taskKinds } from "../core/task.ts";
import { button, element } from "./element.ts";
import type { Strings } from "./strings.ts";

/** Told which kind of task it was, where the person says so. */
export type Correct = (task: TaskKind) => void;

/** The facts under an answer: one line, and everything else when it is opened. */
export function badgeView(badge: Badge, strings: Strings, wasOpen: boolean, correct?: Correct): HTMLElement {
  const { t, say } = strings;
  const { route } = badge;
  const line = [
    say(kindName(route.task)),
    route.model,
    say(placeName(route.place)),
    ...(badge.firstTokenMs === undefined ? [] : [t("first token {0} s", (badge.firstTokenMs / 1000).toFixed(2))]),
    ...(badge.keptAtMs === undefined ? [] : [t("known answer")]),
    ...speed(badge, strings),
    ...tokens(badge, strings),
    ...(badge.costUsd === undefined ? [] : [formatUsd(badge.costUsd)]),
  ];
  const facts = line.map((fact) => element("span", { class: "fact" }, fact));
  const outcome = element("span", { class: `outcome outcome-${badge.outcome}` }, say(outcomeName(badge.outcome)));
  const summary = element("summary", {}, ...facts, outcome);
  return element("details", { class: "badge", open: wasOpen }, summary, details(badge, strings, correct));
}

function details({ route, totalMs, keptAtMs }: Badge, strings: Strings, correct: Correct | undefined): HTMLElement {
  const { t, say } = strings;
  const { classification } = route;
  const seen = evidenceTexts(classification.evidence, route.task, say);
  const list = element("dl", {});
  const row = (name: string, ...values: (Node | string)[]) =>
    list.append(element("dt", {}, name), element("dd", {}, ...values));
  row(
    t("Task"),
    `${say(kindName(route.task))} · ${t("{0} % sure", Math.round(classification.confidence * 100))}`,
    ...(seen.length > 0 ? [element("div", { class: "dim" }, t("Seen: {0}", seen.join(", ")))] : []),
  );
  if (correct) row(t("It was rather"), kindChooser(route.task, strings, correct));
  row(t("Model"), route.model, element("div", { class: "dim" }, say(route.why)));
  row(t("Ran on"), say(serverName(route.backend)));
  if (route.localOnly) {
    row(
      t("Stays here"),
      element("ul", {}, ...route.localOnly.map((part) => element("li", {}, say(describePart(part))))),
    );
  }
  if (keptAtMs !== undefined) row(t("Answered"), new Date(keptAtMs).toLocaleString());
  row(t("Took"), t("{0} s", (totalMs / 1000).toFixed(1)));
  if (route.alternatives.length > 0) {
    const others = route.alternatives.map(({ model, why }) => element("li", {}, `${model} (${say(why)})`));
    row(t("Alternatives"), element("ul", {}, ...others));
  }
  return list;
}

/** Only a choice that is made counts; moving through the list with the keys asks nothing. */
function kindChooser(task: TaskKind, { t, say }: Strings, correct: Correct): HTMLElement {
  const options = taskKinds.map((kind) =>
    element("option", { value: kind, selected: kind === task }, say(kindName(kind))),
  );
  const select = element("select", { "aria-label": t("Kind of task") }, ...options);
  const ask = () => {
    const chosen = taskKinds.find((kind) => kind === select.value);
    if (chosen && chosen !== task) correct(chosen);
  };
  return element("span", { class: "kind-chooser" }, select, button("refresh", t("Ask again as this"), ask, true));
}

function speed({ tokensPerSecond, estimated }: Badge, { t }: Strings): readonly string[] {
  if (tokensPerSecond === undefined) return [];
  const figure = tokensPerSecond.toFixed(1);
  return [estimated ? t("about {0} tokens/s", figure) : t("{0} tokens/s", figure)];
}

function tokens({ promptTokens, answerTokens }: Badge, { t }: Strings): readonly string[] {
  if (promptTokens !== undefined && answerTokens !== undefined)
    return [t("{0} tokens in, {1} out", promptTokens, answerTokens)];
  return answerTokens === undefined ? [] : [t("{0} tokens out", answerTokens)];
}
