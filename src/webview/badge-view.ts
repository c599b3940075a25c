import type { Badge } from "../core/answer.ts";
import { formatUsd } from "../core/cost.ts";
import { kindName, outcomeName, placeName } from "../core/names.ts";
import { describePart } from "../core/policy.ts";
import { element } from "./element.ts";
import type { Strings } from "./strings.ts";

/** The facts under an answer: one line, and everything else when it is opened. */
export function badgeView(badge: Badge, strings: Strings, wasOpen: boolean): HTMLElement {
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
  return element("details", { class: "badge", open: wasOpen }, summary, details(badge, strings));
}

function details({ route, totalMs, keptAtMs }: Badge, strings: Strings): HTMLElement {
  const { t, say } = strings;
  const { classification } = route;
  const seen = classification.evidence.filter((each) => each.kind === route.task).map((each) => each.seen);
  const list = element("dl", {});
  const row = (name: string, ...values: (Node | string)[]) =>
    list.append(element("dt", {}, name), element("dd", {}, ...values));
  row(
    t("Task"),
    `${say(kindName(route.task))} · ${t("{0} % sure", Math.round(classification.confidence * 100))}`,
    ...(seen.length > 0 ? [element("div", { class: "dim" }, t("Seen: {0}", seen.join(", ")))] : []),
  );
  row(t("Model"), route.model, element("div", { class: "dim" }, say(route.why)));
  row(t("Ran on"), route.backend);
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
