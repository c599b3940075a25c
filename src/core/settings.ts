import * as z from "zod/mini";
import { wrongIn } from "./expected.ts";
import { msg } from "./message.ts";
import type { Sampling, TaskKind } from "./task.ts";
import { TaskError } from "./task-error.ts";

/** A model server besides the one that is found. */
export interface NodeSetting {
  /** Such as `http://gpu-box:11434`, or `http://gpu-box:8000/v1` of a server that speaks OpenAI's API. */
  readonly url: string;
  /** What it speaks; absent: Ollama's API. */
  readonly kind?: "ollama" | "openai";
  /** Requests it works on at the same time; absent: 4. */
  readonly slots?: number;
  /** Variable of the environment that holds its key. The key itself never stands in settings. */
  readonly keyEnv?: string;
}

/** Everything a person can set. Keys are those of `switchyard.*` in VS Code and of the command line's configuration file. */
export interface Settings {
  /** `auto`: Ollama where one answers, else the built-in engine. */
  readonly engine: "auto" | "ollama" | "embedded";
  /** Address of the Ollama server, such as `http://127.0.0.1:11434`; empty: looked for. */
  readonly ollamaUrl: string;
  /** Further model servers. A request goes to whichever that has the model and may see the text is free and fastest. */
  readonly nodes: readonly NodeSetting[];
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
  /** Load the chat's model when the chat is opened. */
  readonly warmUp: boolean;
  /** Whether the status bar shows the monitor. */
  readonly monitor: boolean;
  /** Addresses that model weights are looked for at, tried before the built-in list; `{file}` stands for the file name. */
  readonly weightSources: readonly string[];
  /** Registries that container images are fetched from first, such as `mirror.example.com`. */
  readonly imageMirrors: readonly string[];
  /** How many containers with a model server there are at least and at most; more than one is started while questions wait. */
  readonly minModelContainers: number;
  readonly maxModelContainers: number;
  /** Proxy that the model server in a container fetches models through; empty: none. */
  readonly downloadProxy: string;
  /** PEM file with the certificate authorities of the person's network, for containers; empty: none. */
  readonly caFile: string;
  /** Nothing leaves this machine, whatever else is set. */
  readonly offline: boolean;
  /** This workspace's texts never leave. */
  readonly localOnly: boolean;
  /** Paths whose texts never leave, as glob patterns. */
  readonly localOnlyPaths: readonly string[];
  /** Hosts of the person's own, such as `gpu-box` or `10.0.0.5:11434`: as good as this machine for local-only texts. */
  readonly trustedHosts: readonly string[];
  /** Whether complex reasoning may be offered to Claude; each time it is asked for. */
  readonly cloudReasoning: "ask" | "never";
  /** What becomes of an answer that a check by machine found fault with: a better model is offered, asked by itself, or neither. */
  readonly escalation: "off" | "offer" | "auto";
  /** Claude model for complex reasoning. */
  readonly cloudModel: string;
  /** Address of Claude or of a gateway to it; empty: Claude's own. */
  readonly claudeBaseUrl: string;
  /** Whether the service passes requests of other programs for Claude on to it. Only the person can open that way. */
  readonly serviceClaude: "off" | "pass";
  /** How long models stay loaded after an answer, such as `30m` or `-1` for ever; empty: by what they are wanted for. */
  readonly keepAlive: string;
  /** Answers that are worked on at once; 0: as many as are asked for. */
  readonly parallelRequests: number;
  /** Most that may be spent on Claude, US dollars. */
  readonly dailyBudgetUsd: number;
  readonly monthlyBudgetUsd: number;
  /** Keep whole answers and give them again to the same question. */
  readonly cache: boolean;
  /** Redis that keeps the answers instead of a file, such as `redis://127.0.0.1:6379`; empty: none. */
  readonly redisUrl: string;
  /** After how many minutes a service that runs in the background and that nobody needs ends; 0: never. */
  readonly serviceIdleMinutes: number;
  /** Start the service with the editor. */
  readonly startService: boolean;
  /** Offer the models in the editor's own chat. */
  readonly chatModels: boolean;
}

export const defaultSettings: Settings = {
  engine: "auto",
  ollamaUrl: "",
  nodes: [],
  modelProfile: "current",
  pinnedModels: {},
  sampling: {},
  answerLanguage: "auto",
  maxContextTokens: 32768,
  reviewPresentation: "both",
  warmUp: true,
  monitor: true,
  weightSources: [],
  imageMirrors: [],
  minModelContainers: 1,
  maxModelContainers: 1,
  downloadProxy: "",
  caFile: "",
  offline: false,
  localOnly: false,
  localOnlyPaths: ["**/.env", "**/.env.*", "**/*.pem", "**/*.key", "**/*.pfx", "**/id_rsa*", "**/id_ed25519*"],
  trustedHosts: [],
  cloudReasoning: "ask",
  escalation: "offer",
  cloudModel: "claude-sonnet-5-5",
  claudeBaseUrl: "",
  serviceClaude: "off",
  keepAlive: "",
  parallelRequests: 0,
  dailyBudgetUsd: 2,
  monthlyBudgetUsd: 20,
  cache: true,
  redisUrl: "",
  serviceIdleMinutes: 30,
  startService: false,
  chatModels: true,
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
    ollamaUrl: z.string().check(z.regex(/^(https?:\/\/\S+)?$/, "http://127.0.0.1:11434")),
    nodes: z.array(
      z.strictObject({
        url: z.string().check(z.regex(/^https?:\/\/\S+$/, "http://192.168.1.5:11434")),
        kind: z.exactOptional(z.enum(["ollama", "openai"])),
        slots: z.exactOptional(z.int().check(z.gte(1), z.lte(256))),
        keyEnv: z.exactOptional(z.string().check(z.regex(/^[A-Za-z_]\w*$/, "MY_SERVER_KEY"))),
      }),
    ),
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
    warmUp: z.boolean(),
    monitor: z.boolean(),
    weightSources: z.array(
      z.string().check(z.regex(/^(https?|file):\/\/\S+$/, "https://example.com/{file} | file:///models/{file}")),
    ),
    imageMirrors: z.array(
      z.string().check(z.regex(/^(https?:\/\/)?[\w.-]+(:\d+)?(\/[\w./-]*)?$/, "registry.example.com")),
    ),
    minModelContainers: z.int().check(z.gte(1), z.lte(16)),
    maxModelContainers: z.int().check(z.gte(1), z.lte(16)),
    downloadProxy: z.string().check(z.regex(/^(https?:\/\/\S+)?$/, "http://proxy.example.com:3128")),
    caFile: z.string(),
    offline: z.boolean(),
    localOnly: z.boolean(),
    localOnlyPaths: z.array(z.string()),
    trustedHosts: z.array(z.string().check(z.regex(/^[\w.[\]:-]+$/, "gpu-box | 192.168.1.5"))),
    cloudReasoning: z.enum(["ask", "never"]),
    escalation: z.enum(["off", "offer", "auto"]),
    cloudModel: z.string().check(z.minLength(1)),
    claudeBaseUrl: z.string().check(z.regex(/^(https?:\/\/\S+)?$/, "https://api.anthropic.com")),
    serviceClaude: z.enum(["off", "pass"]),
    keepAlive: z.string().check(z.regex(/^(-1|\d+(ms|s|m|h))?$/, "30m | 90s | -1")),
    parallelRequests: z.int().check(z.gte(0), z.lte(64)),
    dailyBudgetUsd: z.number().check(z.gte(0)),
    monthlyBudgetUsd: z.number().check(z.gte(0)),
    cache: z.boolean(),
    redisUrl: z.string().check(z.regex(/^(rediss?:\/\/\S+)?$/, "redis://127.0.0.1:6379")),
    serviceIdleMinutes: z.number().check(z.gte(0)),
    startService: z.boolean(),
    chatModels: z.boolean(),
  }),
);

/**
 * Settings from outside, defaults filled in.
 * @throws TaskError `bad-input` that names the first bad key.
 */
export function parseSettings(raw: unknown): Settings {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw badSetting(parsed.error);
  const given = Object.fromEntries(Object.entries(parsed.data).filter(([, value]) => value !== undefined));
  return { ...defaultSettings, ...given };
}

function badSetting(cause: z.core.$ZodError): TaskError {
  const issue = cause.issues[0];
  if (issue?.code === "unrecognized_keys") {
    const key = [...issue.path, issue.keys[0] ?? ""].join(".");
    return new TaskError("bad-input", msg("There is no setting “{0}”. Remove it.", key), { cause });
  }
  const { path, possible } = issue ? wrongIn(issue) : { path: [], possible: "" };
  const text = issue
    ? msg("The setting “{0}” has a value that cannot be used; possible: {1}", path.join("."), possible)
    : msg("The settings are not an object of names and values.");
  return new TaskError("bad-input", text, { cause });
}
