// What Claude costs. Prices are data with a date; everything here is arithmetic.
import { msg } from "./message.ts";
import type { TokenUsage } from "./model-event.ts";
import prices from "./prices.json" with { type: "json" };
import { TaskError } from "./task-error.ts";

export interface CloudModel {
  readonly name: string;
  readonly title: string;
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
  /** What a token read from the cache costs, as a share of one that is not. */
  readonly cacheReadFactor: number;
  /** Everything about a request whose prompt is longer costs so many times as much. */
  readonly longPrompt?: { readonly overTokens: number; readonly factor: number };
  readonly contextTokens: number;
  readonly maxAnswerTokens: number;
}

export const pricesDate: string = prices.date;

export const cloudModels: readonly CloudModel[] = Object.entries(prices.models).map(([name, model]) => ({
  name,
  ...model,
}));

export const withoutDate = (model: string): string => model.replace(/-(?:\d{8}|latest)$/, "");

/** Whatever the date of its version; a model we have no price of is reckoned as the dearest one. */
export function priceOf(model: string): CloudModel {
  const name = withoutDate(model);
  const known = cloudModels.find((each) => each.name === name);
  const dearest = cloudModels.reduce((a, b) => (b.outputUsdPerMillion > a.outputUsdPerMillion ? b : a));
  return known ?? dearest;
}

/** The whole prompt decides, what was read from the cache included. */
function factorFor({ longPrompt }: CloudModel, promptTokens: number): number {
  return longPrompt && promptTokens > longPrompt.overTokens ? longPrompt.factor : 1;
}

/** US dollars for what the server counted. */
export function costUsd(model: string, usage: TokenUsage): number {
  const price = priceOf(model);
  const { inputTokens, cacheWriteTokens, longCacheWriteTokens = 0, cacheReadTokens, outputTokens } = usage;
  const { webSearches = 0 } = usage;
  const written =
    (cacheWriteTokens - longCacheWriteTokens) * prices.cacheWriteFactor +
    longCacheWriteTokens * prices.longCacheWriteFactor;
  const input = inputTokens + written + cacheReadTokens * price.cacheReadFactor;
  const usd = (input * price.inputUsdPerMillion + outputTokens * price.outputUsdPerMillion) / 1e6;
  return usd * factorFor(price, inputTokens + cacheWriteTokens + cacheReadTokens) + webSearches * prices.webSearchUsd;
}

export interface PriceRange {
  readonly minUsd: number;
  readonly maxUsd: number;
}

/**
 * The estimate of a prompt is fitted to the tokenizers of models that run here. Anthropic says of its newer ones that they
 * make up to so many times the tokens of its older ones: what may be spent at most is reckoned with them.
 */
const mostPerEstimate = 1.35;

interface Extras {
  /** The cache may keep the prompt for an hour. */
  readonly isKeptLong?: boolean;
  /** That the server may make. */
  readonly webSearches?: number;
  /** The server gets more than was sent: all that its window holds. */
  readonly fillsWindow?: boolean;
}

/**
 * From an empty answer whose prompt comes from the cache, to one of the greatest length whose prompt is written into it.
 * @param promptTokens estimated
 * @param maxAnswerTokens over all requests; 0: no limit is asked for, so the model's own holds
 */
export function priceRange(
  model: string,
  promptTokens: number,
  maxAnswerTokens: number,
  { isKeptLong = false, webSearches = 0, fillsWindow = false }: Extras = {},
): PriceRange {
  const nothing: TokenUsage = { inputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 0 };
  const price = priceOf(model);
  const mostTokens = fillsWindow
    ? Math.max(promptTokens, price.contextTokens)
    : Math.ceil(promptTokens * mostPerEstimate);
  return {
    minUsd: costUsd(model, { ...nothing, cacheReadTokens: promptTokens }),
    maxUsd: costUsd(model, {
      ...nothing,
      cacheWriteTokens: mostTokens,
      ...(isKeptLong ? { longCacheWriteTokens: mostTokens } : {}),
      outputTokens: maxAnswerTokens || price.maxAnswerTokens,
      webSearches,
    }),
  };
}

/** `$0.0123`: as many digits as it takes to see that it is not nothing. */
export function formatUsd(usd: number): string {
  if (usd === 0) return "$0.00";
  if (usd < 0.0001) return "< $0.0001";
  return usd < 0.1 ? `$${usd.toFixed(4)}` : `$${usd.toFixed(2)}`;
}

/** US dollars. */
export interface Budgets {
  readonly dailyUsd: number;
  readonly monthlyUsd: number;
}

export interface Budget extends Budgets {
  readonly spentTodayUsd: number;
  readonly spentMonthUsd: number;
}

/** What may still be spent, US dollars; never below 0. */
export function budgetLeft(budget: Budget): { readonly dayUsd: number; readonly monthUsd: number } {
  return {
    dayUsd: Math.max(0, budget.dailyUsd - budget.spentTodayUsd),
    monthUsd: Math.max(0, budget.monthlyUsd - budget.spentMonthUsd),
  };
}

/** Sums of decimal prices are off by about this: 0.3 less 0.2 is not quite 0.1. */
const roundingUsd = 1e-9;

/** @throws TaskError `cloud-limit` where the most it could cost goes over a budget; nothing is sent then */
export function refuseOverBudget(maxUsd: number, budget: Budget): void {
  const { dayUsd: day, monthUsd: month } = budgetLeft(budget);
  if (maxUsd <= day + roundingUsd && maxUsd <= month + roundingUsd) return;
  const text = !(maxUsd <= day + roundingUsd)
    ? msg(
        "Nothing was sent: it can cost up to {0}, and {1} of today’s {2} are left. Raise “switchyard.dailyBudgetUsd”, send less, or use a model on this machine.",
        formatUsd(maxUsd),
        formatUsd(day),
        formatUsd(budget.dailyUsd),
      )
    : msg(
        "Nothing was sent: it can cost up to {0}, and {1} of this month’s {2} are left. Raise “switchyard.monthlyBudgetUsd”, send less, or use a model on this machine.",
        formatUsd(maxUsd),
        formatUsd(month),
        formatUsd(budget.monthlyUsd),
      );
  throw new TaskError("cloud-limit", text);
}

/** @throws TaskError `cloud-limit` where the record of what was spent is lost: what is left of a budget is not known then */
export function refuseUnknownSpending(lostFile: string | undefined): void {
  if (lostFile === undefined) return;
  const text = msg(
    "Nothing was sent: the record of what was spent this month was broken and is set aside as {0}, so what is left of the budgets is not known. Delete that file to count from nothing, or use a model on this machine.",
    lostFile,
  );
  throw new TaskError("cloud-limit", text);
}

/** Tokens of one answer that was given on this machine. */
export interface LocalAnswer {
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** Tokens at the beginning of the prompt that the request before had as well: a cloud would have read them from its cache. */
  readonly sharedTokens: number;
}

/** What these answers would have cost on a model in the cloud, with its cache reckoned in. */
export function cloudCostUsd(model: string, answers: readonly LocalAnswer[]): number {
  return answers.reduce(
    (sum, { promptTokens, answerTokens, sharedTokens }) =>
      sum +
      costUsd(model, {
        inputTokens: 0,
        cacheWriteTokens: Math.max(0, promptTokens - sharedTokens),
        cacheReadTokens: Math.min(promptTokens, sharedTokens),
        outputTokens: answerTokens,
      }),
    0,
  );
}
