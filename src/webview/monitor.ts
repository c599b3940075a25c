// Entry of the monitor page: charts of the last ten minutes.

import uPlot from "uplot";
import { formatUsd } from "../core/cost.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { serverName } from "../core/names.ts";
import type { FromMonitorPage, MonitorPoint, ToMonitorPage } from "../core/page-protocol.ts";
import { element } from "./element.ts";
import { readMonitorMessage } from "./host-messages.ts";
import { createStrings, type Strings } from "./strings.ts";
import { onHostMessage } from "./vscode-api.ts";

const api = acquireVsCodeApi();
const keepMs = 10 * 60_000;
const heightPx = 110;

interface Chart {
  readonly element: HTMLElement;
  draw(points: readonly MonitorPoint[]): void;
  resize(): void;
}

interface Measure {
  readonly title: string;
  readonly read: (point: MonitorPoint) => number | undefined;
  readonly show: (value: number) => string;
  /** Upper end of the axis that is shown at least. */
  readonly top: number;
}

function measures({ t }: Strings): readonly Measure[] {
  return [
    {
      title: t("Tokens per second"),
      read: (point) => point.tokensPerSecond,
      show: (value) => value.toFixed(0),
      top: 10,
    },
    {
      title: t("Time to first token"),
      read: (point) => (point.firstTokenMs === undefined ? undefined : point.firstTokenMs / 1000),
      show: (value) => t("{0} s", value.toFixed(1)),
      top: 1,
    },
    { title: t("Memory of loaded models"), read: (point) => point.modelBytes, show: formatBytes, top: 1e8 },
    { title: t("Processor"), read: (point) => point.cpu * 100, show: (value) => `${value.toFixed(0)} %`, top: 100 },
    { title: t("Errors"), read: (point) => point.errors, show: (value) => value.toFixed(0), top: 4 },
  ];
}

function createChart({ title, read, show, top }: Measure, { t }: Strings): Chart {
  const value = element("span", { class: "chart-value" });
  const place = element("div", { class: "chart-place", "aria-hidden": "true" });
  const root = element("figure", { class: "chart" }, element("figcaption", {}, title, value), place);
  let plot: uPlot | undefined;

  const make = (data: uPlot.AlignedData): uPlot =>
    new uPlot(
      {
        width: Math.max(120, place.clientWidth),
        height: heightPx,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_plot, _min, max) => [0, Math.max(top, max ?? 0)] } },
        axes: [
          { stroke: color("--vscode-descriptionForeground"), grid: { show: false }, ticks: { show: false }, size: 24 },
          {
            stroke: color("--vscode-descriptionForeground"),
            // In high contrast its colour is as strong as that of the line.
            grid: { stroke: color("--vscode-widget-border"), width: 1, dash: [1, 4] },
            ticks: { show: false },
            size: 62,
            values: (_plot, values) => values.map(show),
          },
        ],
        series: [{}, { stroke: color("--vscode-charts-blue"), width: 2, spanGaps: true, points: { show: false } }],
      },
      data,
      place,
    );
  return {
    element: root,
    draw(points) {
      const values = points.map((point) => read(point) ?? null);
      const data: uPlot.AlignedData = [points.map((point) => point.atMs / 1000), values];
      if (plot) plot.setData(data);
      else plot = make(data);
      const last = values.findLast((each) => each !== null);
      value.textContent = last === undefined || last === null ? t("nothing yet") : show(last);
    },
    resize() {
      plot?.setSize({ width: Math.max(120, place.clientWidth), height: heightPx });
    },
  };
}

function color(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim() || "#888";
}

function start(init: Extract<ToMonitorPage, { kind: "init" }>) {
  document.documentElement.lang = init.locale;
  const strings = createStrings(init.strings);
  const { t } = strings;
  const charts = measures(strings).map((measure) => createChart(measure, strings));
  const heading = element("h1", { class: "visually-hidden" }, t("Monitor"));
  const totals = element("section", { class: "totals" });
  document.body.replaceChildren(element("main", {}, heading, ...charts.map((chart) => chart.element), totals));
  let points = init.points;
  const draw = () => {
    for (const chart of charts) chart.draw(points);
  };
  draw();
  new ResizeObserver(() => {
    for (const chart of charts) chart.resize();
  }).observe(document.body);
  return {
    add(more: readonly MonitorPoint[]): void {
      const newest = more.at(-1)?.atMs;
      if (newest === undefined) return;
      points = [...points, ...more].filter((point) => point.atMs > newest - keepMs);
      draw();
    },
    show: (message: Extract<ToMonitorPage, { kind: "totals" }>) =>
      totals.replaceChildren(...totalsTable(message, strings)),
  };
}

function totalsTable(message: Extract<ToMonitorPage, { kind: "totals" }>, { t, say }: Strings): readonly HTMLElement[] {
  const row = (name: string, value: string) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value));
  const loaded = message.loaded.map((model) =>
    row(model.name, `${formatBytes(model.sizeBytes)} · ${say(serverName(model.backend))}`),
  );
  return [
    element("h2", {}, t("Loaded models")),
    loaded.length > 0 ? element("table", {}, ...loaded) : element("p", { class: "dim" }, t("No model is loaded.")),
    element("h2", {}, t("Since this window opened")),
    element(
      "table",
      {},
      row(t("Answers"), String(message.answers)),
      row(t("Tokens written"), String(message.answerTokens)),
      row(t("Errors"), String(message.errors)),
      row(t("The local answers on {0}, its cache reckoned in", message.cloudModel), formatUsd(message.cloudUsd)),
    ),
    element("h2", {}, t("Spent on Claude")),
    element(
      "table",
      {},
      row(t("Today"), t("{0} of at most {1}", formatUsd(message.spentUsd), formatUsd(message.dailyBudgetUsd))),
      row(
        t("This month"),
        t("{0} of at most {1}", formatUsd(message.spentMonthUsd), formatUsd(message.monthlyBudgetUsd)),
      ),
    ),
  ];
}

let page: ReturnType<typeof start> | undefined;
onHostMessage((raw) => {
  const message = readMonitorMessage(raw);
  if (!message) return;
  if (message.kind === "init") page = start(message);
  else if (message.kind === "points") page?.add(message.points);
  else page?.show(message);
});
const ready: FromMonitorPage = { kind: "ready" };
api.postMessage(ready);
