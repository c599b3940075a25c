// The panels of the dashboard, once, for every file that is made of them.

export interface Words {
  readonly en: string;
  readonly zh: string;
}

export interface Query {
  readonly expression: string;
  /** As Grafana fills it in, such as `{{node}}`. */
  readonly legend?: string | Words;
}

export interface Panel {
  readonly kind: "timeseries" | "stat";
  readonly title: Words;
  /** As Grafana names units. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Of 24 columns. */
  readonly width: number;
}

export interface Row {
  readonly title: Words;
  readonly panels: readonly Panel[];
}

/** Grafana's own: as long as fits the zoom and the scraping interval. */
const rate = (series: string) => `rate(${series}[$__rate_interval])`;
const quantile = (share: number, name: string) =>
  `histogram_quantile(${share}, sum by (le) (${rate(`switchyard_${name}_bucket`)}))`;
const mean = (name: string, by: string) =>
  `sum by (${by}) (${rate(`switchyard_${name}_sum`)}) / sum by (${by}) (${rate(`switchyard_${name}_count`)})`;
const tokensPerSecond = (by: string) =>
  `sum by (${by}) (${rate("switchyard_answer_tokens_total")}) / sum by (${by}) (${rate("switchyard_decode_seconds_total")})`;
export const errorShare = (window: string) =>
  `sum(rate(switchyard_requests_total{outcome="failed"}[${window}])) / sum(rate(switchyard_requests_total[${window}]))`;

const line = (en: string, zh: string, unit: string, ...queries: readonly Query[]): Panel => ({
  kind: "timeseries",
  title: { en, zh },
  unit,
  queries,
  width: 8,
});
const figure = (en: string, zh: string, unit: string, expression: string): Panel => ({
  kind: "stat",
  title: { en, zh },
  unit,
  queries: [{ expression }],
  width: 4,
});

export const rows: readonly Row[] = [
  {
    title: { en: "At a glance", zh: "概览" },
    panels: [
      figure("Tokens per second", "每秒 token 数", "short", `sum(${rate("switchyard_answer_tokens_total")})`),
      figure(
        "Average response time",
        "平均响应时间",
        "s",
        `sum(${rate("switchyard_answer_seconds_sum")}) / sum(${rate("switchyard_answer_seconds_count")})`,
      ),
      figure("Error rate", "错误率", "percentunit", errorShare("$__rate_interval")),
      figure("Processor", "处理器", "percentunit", "max(switchyard_host_cpu_ratio)"),
      figure("Memory", "内存", "percentunit", "max(switchyard_host_memory_ratio)"),
      figure("GPU temperature", "GPU 温度", "celsius", "max(switchyard_gpu_celsius)"),
    ],
  },
  {
    title: { en: "Answers", zh: "回答" },
    panels: [
      line(
        "Time to first token",
        "首个 token 的时间",
        "s",
        { expression: quantile(0.5, "first_token_seconds"), legend: "p50" },
        { expression: quantile(0.95, "first_token_seconds"), legend: "p95" },
      ),
      line(
        "Response time",
        "响应时间",
        "s",
        { expression: quantile(0.5, "answer_seconds"), legend: "p50" },
        { expression: quantile(0.95, "answer_seconds"), legend: "p95" },
      ),
      line("Average response time by task", "各类任务的平均响应时间", "s", {
        expression: mean("answer_seconds", "task"),
        legend: "{{task}}",
      }),
      line("Tokens per second while writing", "生成时的每秒 token 数", "short", {
        expression: tokensPerSecond("model, node"),
        legend: "{{model}} · {{node}}",
      }),
      line("Tokens per second while reading", "读取提示词时的每秒 token 数", "short", {
        expression: `sum by (model, node) (${rate("switchyard_prompt_tokens_total")}) / (sum by (model, node) (${rate("switchyard_prefill_seconds_total")}) > 0)`,
        legend: "{{model}} · {{node}}",
      }),
      line("Time to load a model", "模型加载时间", "s", {
        expression: mean("model_load_seconds", "node"),
        legend: "{{node}}",
      }),
    ],
  },
  {
    title: { en: "Requests", zh: "请求" },
    panels: [
      line("Requests by outcome", "各种结果的请求", "reqps", {
        expression: `sum by (outcome) (${rate("switchyard_requests_total")})`,
        legend: "{{outcome}}",
      }),
      line("Errors by status", "各状态码的错误", "reqps", {
        expression: `sum by (status) (${rate("switchyard_errors_total")})`,
        legend: "{{status}}",
      }),
      line(
        "Working and waiting",
        "处理中与等待中",
        "short",
        { expression: "sum(switchyard_working)", legend: { en: "working", zh: "处理中" } },
        { expression: "sum(switchyard_waiting)", legend: { en: "waiting", zh: "等待中" } },
      ),
      line("Time in the queue", "排队时间", "s", { expression: quantile(0.95, "queue_seconds"), legend: "p95" }),
      line("Share of answers known already", "缓存命中率", "percentunit", {
        expression: `sum(${rate("switchyard_cache_hits_total")}) / sum(${rate("switchyard_answers_total")})`,
      }),
      line("Answers by node", "各节点的回答", "reqps", {
        expression: `sum by (node) (${rate("switchyard_answers_total")})`,
        legend: "{{node}}",
      }),
    ],
  },
  {
    title: { en: "Machine", zh: "机器" },
    panels: [
      line(
        "Processor and memory",
        "处理器与内存",
        "percentunit",
        { expression: "switchyard_host_cpu_ratio", legend: { en: "processor", zh: "处理器" } },
        { expression: "switchyard_host_memory_ratio", legend: { en: "memory", zh: "内存" } },
      ),
      line("GPU temperature", "GPU 温度", "celsius", { expression: "switchyard_gpu_celsius", legend: "{{gpu}}" }),
      line(
        "GPU in use",
        "GPU 使用率",
        "percentunit",
        { expression: "switchyard_gpu_used_ratio", legend: "{{gpu}}" },
        {
          expression: "switchyard_gpu_memory_used_bytes / switchyard_gpu_memory_bytes",
          legend: { en: "{{gpu}} memory", zh: "{{gpu}} 显存" },
        },
      ),
      line("Models that are loaded", "已加载的模型", "bytes", {
        expression: "switchyard_loaded_bytes",
        legend: "{{model}} · {{memory}}",
      }),
      line("The service itself", "服务自身", "bytes", {
        expression: "switchyard_memory_bytes",
        legend: { en: "memory", zh: "内存" },
      }),
      line(
        "Cost",
        "费用",
        "currencyUSD",
        { expression: "switchyard_cloud_spent_usd", legend: { en: "spent this month", zh: "本月已花费" } },
        { expression: "switchyard_cloud_avoided_usd", legend: { en: "avoided", zh: "节省" } },
      ),
    ],
  },
];
