// The files under deploy/monitoring, made of the description.
import { stringify } from "yaml";
import { type Alert, alerts } from "./alerts.ts";
import { type Panel, type Query, type Row, rows, type Words } from "./panels.ts";

type Language = keyof Words;

export interface PrometheusOptions {
  readonly interval: string;
  readonly folder: string;
}

/** As the containers mount it. */
export const usual: PrometheusOptions = { interval: "15s", folder: "/etc/prometheus" };

export function prometheusConfig({ interval, folder }: PrometheusOptions): object {
  return {
    global: { scrape_interval: interval, evaluation_interval: interval },
    rule_files: ["alerts.yml"],
    scrape_configs: [
      {
        job_name: "switchyard",
        // The token never stands in a configuration.
        authorization: { type: "Bearer", credentials_file: `${folder}/token` },
        file_sd_configs: [{ files: [`${folder}/targets/*.json`], refresh_interval: interval }],
      },
    ],
  };
}

export function alertRules(): object {
  const rule = ({ name, expression, forTime, severity, summary }: Alert) => ({
    alert: name,
    expr: expression,
    for: forTime,
    labels: { severity },
    annotations: { summary: summary.en, summary_zh: summary.zh },
  });
  return { groups: [{ name: "switchyard", rules: alerts.map(rule) }] };
}

const datasource = { type: "prometheus", uid: "$" + "{datasource}" };
const panelHeight = { timeseries: 8, stat: 4 } as const;

function panelJson(panel: Panel, place: object, id: number, language: Language): object {
  const legendOf = ({ legend = "" }: Query) => (typeof legend === "string" ? legend : legend[language]);
  return {
    id,
    type: panel.kind,
    title: panel.title[language],
    datasource,
    gridPos: place,
    fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
    options:
      panel.kind === "stat"
        ? {
            reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
            colorMode: "value",
            graphMode: "area",
          }
        : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
    targets: panel.queries.map((query, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource,
      expr: query.expression,
      legendFormat: legendOf(query) || "__auto",
    })),
  };
}

/** The panels of a row, laid out in lines of 24 columns, with the y at which the next row begins. */
function rowJson(row: Row, startY: number, firstId: number, language: Language) {
  const header = {
    id: firstId,
    type: "row",
    title: row.title[language],
    collapsed: false,
    gridPos: { x: 0, y: startY, w: 24, h: 1 },
    panels: [],
  };
  let [x, y, h] = [0, startY + 1, 0];
  const panels = row.panels.map((panel, at) => {
    if (x + panel.width > 24) [x, y] = [0, y + h];
    h = panelHeight[panel.kind];
    const place = { x, y, w: panel.width, h };
    x += panel.width;
    return panelJson(panel, place, firstId + 1 + at, language);
  });
  return { panels: [header, ...panels], nextY: y + h };
}

export function dashboard(language: Language): object {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    const laid = rowJson(row, y, panels.length + 1, language);
    panels.push(...laid.panels);
    y = laid.nextY;
  }
  return {
    uid: language === "en" ? "switchyard" : "switchyard-zh",
    title: language === "en" ? "Switchyard" : "Switchyard（中文）",
    tags: ["switchyard"],
    schemaVersion: 39,
    editable: true,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    timezone: "browser",
    templating: { list: [{ name: "datasource", type: "datasource", query: "prometheus", label: "Prometheus" }] },
    panels,
  };
}

const datasources = {
  apiVersion: 1,
  datasources: [
    {
      name: "Prometheus",
      uid: "switchyard-prometheus",
      type: "prometheus",
      access: "proxy",
      url: "$SWITCHYARD_PROMETHEUS_URL",
      isDefault: true,
      jsonData: { timeInterval: usual.interval },
    },
  ],
};

const providers = {
  apiVersion: 1,
  providers: [
    {
      name: "Switchyard",
      type: "file",
      disableDeletion: true,
      allowUiUpdates: false,
      options: { path: "/var/lib/grafana/dashboards" },
    },
  ],
};

/** Path below deploy/monitoring to content. */
export function monitoringFiles(): ReadonlyMap<string, string> {
  const yaml = (value: object) => `# Made by: node scripts/monitoring.ts\n${stringify(value, { lineWidth: 0 })}`;
  const json = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`;
  return new Map([
    ["prometheus.yml", yaml(prometheusConfig(usual))],
    ["alerts.yml", yaml(alertRules())],
    ["grafana/dashboards/switchyard.json", json(dashboard("en"))],
    ["grafana/dashboards/switchyard.zh-CN.json", json(dashboard("zh"))],
    ["grafana/provisioning/datasources/prometheus.yaml", yaml(datasources)],
    ["grafana/provisioning/dashboards/switchyard.yaml", yaml(providers)],
  ]);
}
