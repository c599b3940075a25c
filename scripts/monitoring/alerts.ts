// What somebody is called for, once, for every file that is made of it.
import { errorShare, type Words } from "./panels.ts";

export interface Alert {
  readonly name: string;
  readonly expression: string;
  readonly forTime: string;
  readonly severity: "warning" | "critical";
  readonly summary: Words;
  /** Series that make it fire, and series that do not, as promtool reads them; both are tested. */
  readonly fires: Readonly<Record<string, string>>;
  readonly isQuiet: Readonly<Record<string, string>>;
}

/** Twenty minutes of one value, at one a minute. */
const always = (value: number) => `${value}x20`;
const growing = (by: number) => `0+${by}x20`;

export const alerts: readonly Alert[] = [
  {
    name: "SwitchyardDown",
    expression: 'up{job="switchyard"} == 0',
    forTime: "1m",
    severity: "critical",
    summary: { en: "Switchyard does not answer.", zh: "Switchyard 没有响应。" },
    fires: { 'up{job="switchyard"}': always(0) },
    isQuiet: { 'up{job="switchyard"}': always(1) },
  },
  {
    name: "SwitchyardErrors",
    expression: `${errorShare("5m")} > 0.05`,
    forTime: "5m",
    severity: "warning",
    summary: { en: "More than one request in twenty fails.", zh: "超过二十分之一的请求失败。" },
    fires: {
      'switchyard_requests_total{outcome="failed"}': growing(1),
      'switchyard_requests_total{outcome="done"}': growing(10),
    },
    isQuiet: {
      'switchyard_requests_total{outcome="failed"}': growing(1),
      'switchyard_requests_total{outcome="done"}': growing(30),
    },
  },
  {
    name: "SwitchyardSlowToBegin",
    expression: "histogram_quantile(0.95, sum by (le) (rate(switchyard_first_token_seconds_bucket[10m]))) > 30",
    forTime: "10m",
    severity: "warning",
    summary: {
      en: "One answer in twenty begins after more than 30 seconds.",
      zh: "二十分之一的回答在 30 秒之后才开始。",
    },
    fires: {
      'switchyard_first_token_seconds_bucket{le="30"}': growing(1),
      'switchyard_first_token_seconds_bucket{le="60"}': growing(10),
      'switchyard_first_token_seconds_bucket{le="+Inf"}': growing(10),
    },
    isQuiet: {
      'switchyard_first_token_seconds_bucket{le="30"}': growing(10),
      'switchyard_first_token_seconds_bucket{le="60"}': growing(10),
      'switchyard_first_token_seconds_bucket{le="+Inf"}': growing(10),
    },
  },
  {
    name: "SwitchyardQueue",
    expression: "sum(switchyard_waiting) > 16",
    forTime: "5m",
    severity: "warning",
    summary: { en: "Many requests wait for their turn: add a node.", zh: "许多请求在排队：请增加节点。" },
    fires: { switchyard_waiting: always(20) },
    isQuiet: { switchyard_waiting: always(3) },
  },
  {
    name: "SwitchyardRefuses",
    expression: 'sum(rate(switchyard_errors_total{status="429"}[5m])) > 0.1',
    forTime: "5m",
    severity: "warning",
    summary: { en: "The queue is full: requests are refused.", zh: "队列已满：有请求被拒绝。" },
    fires: { 'switchyard_errors_total{status="429"}': growing(60) },
    isQuiet: { 'switchyard_errors_total{status="429"}': always(60) },
  },
  {
    name: "SwitchyardMemory",
    expression: "switchyard_host_memory_ratio > 0.95",
    forTime: "5m",
    severity: "warning",
    summary: {
      en: "The machine's memory is nearly full: use a smaller or a quantised model.",
      zh: "机器内存即将用尽：请使用更小的或量化的模型。",
    },
    fires: { switchyard_host_memory_ratio: always(0.97) },
    isQuiet: { switchyard_host_memory_ratio: always(0.6) },
  },
  {
    name: "SwitchyardHot",
    expression: "switchyard_gpu_celsius > 87",
    forTime: "5m",
    severity: "warning",
    summary: { en: "A graphics card is hot: {{ $value }} °C.", zh: "显卡过热：{{ $value }} °C。" },
    fires: { 'switchyard_gpu_celsius{gpu="nvidia0"}': always(91) },
    isQuiet: { 'switchyard_gpu_celsius{gpu="nvidia0"}': always(70) },
  },
  {
    name: "SwitchyardCardUnused",
    expression:
      'sum(switchyard_loaded_bytes{memory="graphics"}) == 0 and sum(switchyard_loaded_bytes{memory="main"}) > 0 and on() count(switchyard_gpu_memory_bytes) > 0',
    forTime: "10m",
    severity: "warning",
    summary: {
      en: "There is a graphics card, and the loaded models do not use it. See: switchyard doctor",
      zh: "有显卡，但已加载的模型没有使用它。请运行：switchyard doctor",
    },
    fires: {
      'switchyard_loaded_bytes{memory="graphics"}': always(0),
      'switchyard_loaded_bytes{memory="main"}': always(100),
      'switchyard_gpu_memory_bytes{gpu="nvidia0"}': always(100),
    },
    isQuiet: {
      'switchyard_loaded_bytes{memory="graphics"}': always(0),
      'switchyard_loaded_bytes{memory="main"}': always(100),
    },
  },
  {
    name: "SwitchyardSlowdown",
    expression:
      "sum by (model, node) (rate(switchyard_answer_tokens_total[10m])) / sum by (model, node) (rate(switchyard_decode_seconds_total[10m])) < 0.25 * (sum by (model, node) (rate(switchyard_answer_tokens_total[1d])) / sum by (model, node) (rate(switchyard_decode_seconds_total[1d])))",
    forTime: "10m",
    severity: "warning",
    summary: {
      en: "A model writes at less than a quarter of its own speed of the last day.",
      zh: "某个模型的生成速度不到它前一天的四分之一。",
    },
    fires: {
      'switchyard_answer_tokens_total{model="m",node="n"}': "0+6000x60 360000+60x40",
      'switchyard_decode_seconds_total{model="m",node="n"}': "0+60x100",
    },
    isQuiet: {
      'switchyard_answer_tokens_total{model="m",node="n"}': "0+6000x100",
      'switchyard_decode_seconds_total{model="m",node="n"}': "0+60x100",
    },
  },
];
