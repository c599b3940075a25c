// Entry of the ledger page: what left this machine, newest first.

import { formatUsd } from "../core/cost.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { formatLines } from "../core/format-lines.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import { kindName } from "../core/names.ts";
import type { FromLedgerPage, ToLedgerPage } from "../core/page-protocol.ts";
import { button, element } from "./element.ts";
import { readLedgerMessage } from "./host-messages.ts";
import { createStrings, type Strings } from "./strings.ts";
import { onHostMessage } from "./vscode-api.ts";

const api = acquireVsCodeApi();
const tell = (message: FromLedgerPage) => api.postMessage(message);

function draw({ locale, strings: bundle, entries, spending, lostRecord }: ToLedgerPage): void {
  document.documentElement.lang = locale;
  const strings = createStrings(bundle);
  const { t } = strings;
  const heading = element("h1", {}, t("What left this machine"));
  const actions = element(
    "p",
    { class: "actions" },
    button("refresh", t("Refresh"), () => tell({ kind: "ready" }), true),
    button("desktop-download", t("Export…"), () => tell({ kind: "export" }), true),
  );
  const spent = element(
    "p",
    {},
    t(
      "Spent on Claude: {0} of {1} today, {2} of {3} this month.",
      formatUsd(spending.todayUsd),
      formatUsd(spending.dailyUsd),
      formatUsd(spending.monthUsd),
      formatUsd(spending.monthlyUsd),
    ),
  );
  const lost =
    lostRecord === undefined
      ? []
      : [
          element(
            "p",
            { class: "lost" },
            t(
              "The record was broken this month and is set aside as {0}: what is in it is not shown here, and what was spent is not known. Nothing is paid for until that file is gone.",
              lostRecord,
            ),
          ),
        ];
  const content =
    entries.length === 0 && lostRecord === undefined
      ? element("p", { class: "empty" }, t("Nothing has left this machine."))
      : table(entries, strings, locale);
  document.body.replaceChildren(element("main", {}, heading, actions, ...lost, spent, content));
}

function table(entries: readonly LedgerEntry[], strings: Strings, locale: string): HTMLElement {
  const { t } = strings;
  const titles = [
    ...[t("When"), t("To"), t("Task"), t("Files"), t("Sent"), t("Tokens in, out"), t("Cost"), t("Masked")],
    ...[t("Allowed by"), t("Asked by"), t("Outcome")],
  ];
  const head = element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)));
  const rows = entries.map((entry) => row(entry, strings, locale, titles));
  return element(
    "div",
    { class: "scroll" },
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)),
  );
}

function taskName(task: LedgerEntry["task"], { t, say }: Strings): string {
  if (task === "embed") return t("Vectors of texts");
  return task === "keep" ? t("Kept answers") : say(kindName(task));
}

function row(entry: LedgerEntry, strings: Strings, locale: string, titles: readonly string[]): HTMLElement {
  const { t } = strings;
  const outcomes = { sent: t("sent, no answer yet"), done: t("done"), stopped: t("stopped"), failed: t("failed") };
  const rules: Readonly<Record<string, string>> = {
    once: t("you, this once"),
    session: t("you, for the session"),
    workspace: t("you, for the workspace"),
    network: t("a server you set up"),
    trustedHosts: t("the setting “trustedHosts”"),
    serviceClaude: t("the setting “serviceClaude”"),
  };
  const doors = { editor: t("editor"), shell: t("command line"), proxy: t("proxy"), mcp: t("tool") };
  const files = entry.sources.map(({ uri, startLine, endLine }) => {
    const name = decodeURIComponent(uri.split("/").at(-1) ?? uri);
    return element("div", { title: uri }, `${name}${formatLines(startLine, endLine)}`);
  });
  const cells: readonly (Node | string | readonly Node[])[] = [
    new Date(entry.atMs).toLocaleString(locale),
    `${entry.model} · ${entry.destination}`,
    taskName(entry.task, strings),
    files,
    entry.pictures
      ? t(
          "{0}, of it {1} pictures: {2}",
          formatBytes(entry.bytes),
          entry.pictures.count,
          formatBytes(entry.pictures.bytes),
        )
      : formatBytes(entry.bytes),
    `${entry.promptTokens}, ${entry.answerTokens}`,
    entry.costUsd === 0 ? "" : formatUsd(entry.costUsd),
    entry.maskedSecrets === 0 ? "" : String(entry.maskedSecrets),
    rules[entry.allowedBy] ?? entry.allowedBy,
    doors[entry.askedBy],
    outcomes[entry.outcome],
  ];
  // In a narrow editor each entry is a list of its own, and has its titles beside it.
  const drawn = cells.map((cell, index) =>
    element("td", { role: "cell", "data-title": titles[index] ?? "" }, ...(Array.isArray(cell) ? cell : [cell])),
  );
  return element("tr", { role: "row" }, ...drawn);
}

onHostMessage((raw) => {
  const message = readLedgerMessage(raw);
  if (message) draw(message);
});
tell({ kind: "ready" });
