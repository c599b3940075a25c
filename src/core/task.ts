import type { ChatMessage } from "./chat-message.ts";
import type { LocalOnlyPart, PrivacyRule } from "./local-only.ts";
import type { ToolUse } from "./tool.ts";

/** The kinds of work. Commands state theirs outright; chat text is classified. */
export const taskKinds = ["review", "translate", "explain", "document", "create", "analyze", "code", "chat"] as const;
export type TaskKind = (typeof taskKinds)[number];

/** Natural languages answers can be asked in. */
export type AnswerLanguage = "en" | "zh-CN";

/** Text the person handed over, and where it came from. */
export interface Source {
  /** URI or path; shown as is. The rules of privacy go by it. */
  readonly uri: string;
  /** Short name for people: a path relative to the workspace. */
  readonly label: string;
  readonly text: string;
  /** The picture itself, base64 without a `data:` prefix, where it is one; `text` is empty then. */
  readonly image?: string;
  /** VS Code language id, such as `typescript` or `markdown`. */
  readonly languageId?: string;
  /** First line of `text` in its file, from 1. */
  readonly startLine?: number;
  readonly origin: "selection" | "file" | "notebook-cell" | "stdin";
  /** What changed in these lines, where only that is to be judged. */
  readonly change?: Change;
  /** The rule by which it may not leave; found out by the app, whatever a host says. */
  readonly localOnly?: PrivacyRule;
}

/** Lines are told by their numbers in the file as it is now, from 1. */
export interface Change {
  /** New or different ones. */
  readonly added: readonly number[];
  /** What was taken away, and before which line it stood. */
  readonly removed: readonly { readonly before: number; readonly lines: readonly string[] }[];
}

export interface Turn {
  readonly role: "user" | "assistant";
  readonly text: string;
  /** Pictures it was about, base64. */
  readonly images?: readonly string[];
  /** Where the texts in it came from, for the rules of privacy. */
  readonly sources?: readonly { readonly uri: string; readonly label: string }[];
  /** What in it had to stay on this machine when it was asked; it has to stay ever after. */
  readonly localOnly?: readonly LocalOnlyPart[];
}

/** One request of a person, as every host makes it. */
export interface Ask {
  /** Stated by a command or a `task_type`; absent: classified from `text` and `sources`. */
  readonly kind?: TaskKind;
  /** What the person typed; empty for a command on a selection. */
  readonly text: string;
  /** Where `text` came from, if nobody typed it: what keeps texts from there on this machine keeps it, too. */
  readonly textUri?: string;
  readonly sources: readonly Source[];
  /** Earlier turns of the session, oldest first. */
  readonly history: readonly Turn[];
  /** Why all of it stays, whatever its sources are; absent: they decide. */
  readonly localOnly?: PrivacyRule;
  /** Language to answer in; absent: that of the question, else the settings'. */
  readonly answerLanguage?: AnswerLanguage;
  /** Language to translate into (`translate`); absent: the other one of English and Chinese. */
  readonly targetLanguage?: AnswerLanguage;
  /** Model tag that must be used, past all routing. */
  readonly model?: string;
  /** Overrides for this ask alone. */
  readonly sampling?: Partial<Sampling>;
  /** Ask the model even where the answer is known. */
  readonly isFresh?: boolean;
  /** The product asks this of its own accord: what the person allowed before does not allow it. */
  readonly isUnbidden?: true;
  /** Upper bound of tokens to generate. */
  readonly maxTokens?: number;
  /** Context window that a program wishes for, tokens: never less than the prompt needs, nor more than is allowed. */
  readonly contextTokens?: number;
  /** How long the model stays loaded afterwards, as Ollama takes it (`"10m"`, seconds, -1); absent: as the settings have it. */
  readonly keepAlive?: string | number;
  /** Pictures the question is about, base64 without a `data:` prefix. Only models that can see get them. */
  readonly images?: readonly string[];
  /** Folders that the asking program works in, as absolute paths; absent: it does not tell. */
  readonly folders?: readonly string[];
  /** Who asks, where several do: they take turns. */
  readonly client?: string;
  /** Conversation this belongs to, as its client names it; keeps its context window and its place. */
  readonly conversation?: string;
  /** Present where a program brings its own prompts: history and text go to the model as they are, with none of ours. */
  readonly ownPrompt?: OwnPrompt;
}

/** What a program says to the model besides the conversation. The kind of the task still decides who answers, and how warm. */
export interface OwnPrompt {
  /** Empty: no system prompt at all. */
  readonly system: string;
  /**
   * The conversation word for word, with calls, their results and pictures; the system's rules are not in it. Absent:
   * the history and the text of the ask. Where it is there, `text` is the last thing the person said, for routing.
   */
  readonly messages?: readonly ChatMessage[];
  /** JSON schema the answer must follow. */
  readonly format?: object;
  readonly toolUse?: ToolUse;
  /** Absent: as the kind of the task has it. */
  readonly think?: Think;
}

/** Whether a model thinks aloud first; a degree, where a program names one and the model knows degrees. */
export type Think = boolean | "low" | "medium" | "high";

/** Sampling options under Ollama's names. */
export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  readonly repeatPenalty: number;
  /** 0: of all tokens. This and the rest only programs ask for; absent: as the server has it. */
  readonly topK?: number;
  readonly minP?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  /** The same seed gives the same answer; negative: another one each time. */
  readonly seed?: number;
  readonly typicalP?: number;
  /** How many of the last tokens `repeatPenalty` is about; 0: none, -1: all. */
  readonly repeatLastN?: number;
  /** 0: off, 1 or 2: which one; then how surprising, and how fast it learns. */
  readonly mirostat?: number;
  readonly mirostatTau?: number;
  readonly mirostatEta?: number;
  /** Tokens of the beginning that a server keeps where it drops some; ours are told to drop none. */
  readonly numKeep?: number;
}

/** `task_type` of the `local_llm` tool to a task kind. */
export function kindOfTaskType(taskType: string): TaskKind | undefined {
  const named: Readonly<Record<string, TaskKind>> = {
    code: "code",
    translation: "translate",
    creative: "create",
    general: "chat",
  };
  return named[taskType] ?? taskKinds.find((kind) => kind === taskType);
}
