import * as z from "zod/mini";
import { msg } from "./message.ts";
import type { Sampling, TaskKind } from "./task.ts";
import { TaskError } from "./task-error.ts";

/** Everything a person can set. Keys are those of `switchyard.*` in VS Code and of the command line's configuration file. */
export interface Settings {
  /** `auto`: Ollama where one answers, else the built-in engine. */
  readonly engine: "auto" | "ollama" | "embedded";
  /** Address of the Ollama server, such as `http://127.0.0.1:11434`; empty: looked for. */
  readonly ollamaUrl: string;
  /** Which candidates each role has: `design` is DeepSeek Coder 6.7B, Qwen 2.5 7B and Llama 3.1 8B. */
  readonly modelProfile: "current" | "design";
  /** Task kind to model tag; a kind that is not named is routed. `auto` is the same as not named. */
  readonly pinnedModels: Readonly<Partial<Record<TaskKind, string>>>;
  /** Overrides of the sampling of a kind. */
  readonly sampling: Readonly<Partial<Record<TaskKind, Partial<Sampling>>>>;
  /** Language answers are written in; `auto`: that of the question. */
  readonly answerLanguage: "auto" | "en" | "zh-CN";
  /** Upper bound of a prompt's context window, tokens. */
  readonly maxContextTokens: number;
  /** Where a review is shown besides the chat. */
  readonly reviewPresentation: "problems" | "comments" | "both" | "chat";
  /** Whether the status bar shows the monitor. */
  readonly monitor: boolean;
  /** Addresses that model weights are looked for at, tried before the built-in list; `{file}` stands for the file name. */
  readonly weightSources: readonly string[];
}

export const defaultSettings: Settings = {
  engine: "auto",
  ollamaUrl: "",
  modelProfile: "current",
  pinnedModels: {},
  sampling: {},
  answerLanguage: "auto",
  maxContextTokens: 32768,
  reviewPresentation: "both",
  monitor: true,
  weightSources: [],
};

const perKind = <Value extends z.ZodMiniType>(value: Value) =>
  z.partial(
    z.strictObject({
      review: value,
      translate: value,
      explain: value,
      document: value,
      create: value,
      analyze: value,
      code: value,
      chat: value,
    }),
  );

const schema = z.partial(
  z.strictObject({
    engine: z.enum(["auto", "ollama", "embedded"]),
    ollamaUrl: z.string().check(z.regex(/^(https?:\/\/\S+)?$/)),
    modelProfile: z.enum(["current", "design"]),
    pinnedModels: perKind(z.string()),
    sampling: perKind(
      z.partial(
        z.strictObject({
          temperature: z.number().check(z.gte(0), z.lte(2)),
          topP: z.number().check(z.gt(0), z.lte(1)),
          repeatPenalty: z.number().check(z.gte(0.5), z.lte(2)),
        }),
      ),
    ),
    answerLanguage: z.enum(["auto", "en", "zh-CN"]),
    maxContextTokens: z.int().check(z.gte(512), z.lte(1_048_576)),
    reviewPresentation: z.enum(["problems", "comments", "both", "chat"]),
    monitor: z.boolean(),
    weightSources: z.array(z.string().check(z.regex(/^(https?|file):\/\/\S+$/))),
  }),
);

/**
 * Settings from outside, defaults filled in.
 * @throws TaskError `bad-input` that names the first bad key.
 */
export function parseSettings(raw: unknown): Settings {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const key = issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : (issue?.path.join(".") ?? "");
    throw new TaskError(
      "bad-input",
      msg("The setting “{0}” has a value that cannot be used: {1}", key, issue?.message ?? ""),
      {
        cause: parsed.error,
      },
    );
  }
  const given = Object.fromEntries(Object.entries(parsed.data).filter(([, value]) => value !== undefined));
  return { ...defaultSettings, ...given };
}
