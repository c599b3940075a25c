import type { AnswerEvent } from "../core/answer.ts";
import type { ChatMessage } from "../core/chat-message.ts";
import type { Message } from "../core/message.ts";
import type { AnswerLanguage, Ask, Sampling, TaskKind } from "../core/task.ts";
import type { ToolUse } from "../core/tool.ts";
import type { Lines } from "./untranslated.ts";

/** What a task may put out besides the events of its model. */
export type TaskOutput = Extract<AnswerEvent, { kind: "text" | "finding" | "notice" }>;

/** One piece of a task's answer, in order. */
export type Step =
  /** Text that needs no model, such as a code block in a document that is translated. */
  | { readonly kind: "literal"; readonly text: string }
  /** Something the person should know about what is asked of the model. */
  | { readonly kind: "notice"; readonly text: Message }
  | {
      readonly kind: "prompt";
      readonly messages: readonly ChatMessage[];
      /** Our own words among the messages: what only repeats them is not shown. Absent where they are another program's. */
      readonly instructions?: readonly string[];
      /** JSON schema the answer must follow. */
      readonly format?: object;
      readonly toolUse?: ToolUse;
      readonly maxTokens?: number;
      /** Absent: as the task has it. */
      readonly sampling?: Sampling;
      /** Language the answer has to be in; absent: any, as for code. */
      readonly language?: AnswerLanguage;
      /** Turns what the model streams into what people see; absent: shown as it comes. Leaving it early stops the model. */
      readonly read?: (pieces: AsyncIterable<string>) => AsyncIterable<TaskOutput>;
      /** Where set, the answer is held back until whole; refused twice, `otherwise` is shown, and at the end it is said where. */
      readonly check?: {
        readonly accept: (answer: string) => boolean;
        readonly otherwise: string;
        /** Where that stands in its text. */
        readonly lines: Lines;
      };
    };

export type PromptStep = Extract<Step, { kind: "prompt" }>;

export interface PlanContext {
  readonly answerLanguage: AnswerLanguage;
  /** Tag of the model that will answer: some want a prompt of their own form. */
  readonly model: string;
  /** Size of its weights; 0 where nobody tells. */
  readonly modelBytes: number;
  /** Tokens that the prompt of one step may have in all. */
  readonly promptTokens: number;
  readonly estimateTokens: (text: string) => number;
}

export interface TaskDefinition {
  readonly kind: TaskKind;
  readonly sampling: Sampling;
  /** Whether a model that can think aloud first is let to. */
  readonly think: boolean;
  /**
   * The requests that make up the task. Steps need not fit `promptTokens`: the pipeline measures and refuses with numbers.
   * @throws TaskError `bad-input` when there is nothing to work on.
   */
  plan(ask: Ask, context: PlanContext): readonly Step[] | Promise<readonly Step[]>;
}
