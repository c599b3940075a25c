import type { Badge } from "../core/answer.ts";
import type { TaskKind } from "../core/task.ts";
import { element } from "./element.ts";
import type { Strings } from "./strings.ts";

export function kindName(kind: TaskKind, { t }: Strings): string {
  const names: Readonly<Record<TaskKind, string>> = {
    review: t("Review"),
    translate: t("Translate"),
    explain: t("Explain"),
    document: t("Document"),
    create: t("Create"),
    analyze: t("Analyze"),
    code: t("Code"),
    chat: t("Chat"),
  };
  return names[kind];
}

/** The facts under an answer: one line, and everything else when it is opened. */
export function badgeView(badge: Badge, strings: Strings, wasOpen: boolean): HTMLElement {
  const { t } = strings;
  const { route } = badge;
  const line = [
    kindName(route.task, strings),
    route.model,
    placeName(badge, strings),
    ...(badge.firstTokenMs === undefined ? [] : [t("first token {0} s", (badge.firstTokenMs / 1000).toFixed(2))]),
    ...speed(badge, strings),
    ...tokens(badge, strings),
  ];
  const facts = line.map((fact) => element("span", { class: "fact" }, fact));
  const outcome = element("span", { class: `outcome outcome-${badge.outcome}` }, outcomeName(badge, strings));
  const summary = element("summary", {}, ...facts, outcome);
  return element("details", { class: "badge", open: wasOpen }, summary, details(badge, strings));
}

function details({ route, totalMs }: Badge, strings: Strings): HTMLElement {
  const { t, say } = strings;
  const { classification } = route;
  const seen = classification.evidence.filter((each) => each.kind === route.task).map((each) => each.seen);
  const list = element("dl", {});
  const row = (name: string, ...values: (Node | string)[]) =>
    list.append(element("dt", {}, name), element("dd", {}, ...values));
  row(
    t("Task"),
    `${kindName(route.task, strings)} · ${t("{0} % sure", Math.round(classification.confidence * 100))}`,
    ...(seen.length > 0 ? [element("div", { class: "dim" }, t("Seen: {0}", seen.join(", ")))] : []),
  );
  row(t("Model"), route.model, element("div", { class: "dim" }, say(route.why)));
  row(t("Ran on"), route.backend);
  row(t("Took"), t("{0} s", (totalMs / 1000).toFixed(1)));
  if (route.alternatives.length > 0) {
    const others = route.alternatives.map(({ model, why }) => element("li", {}, `${model} (${say(why)})`));
    row(t("Alternatives"), element("ul", {}, ...others));
  }
  return list;
}

function placeName({ route }: Badge, { t }: Strings): string {
  const names = { "this-machine": t("this machine"), network: t("your network"), cloud: t("cloud") };
  return names[route.place];
}

export function outcomeName({ outcome }: Pick<Badge, "outcome">, { t }: Strings): string {
  const names = { done: t("done"), stopped: t("stopped"), failed: t("failed"), cut: t("cut at the length limit") };
  return names[outcome];
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
