import type { App } from "../core/app.ts";
import type { AnswerLanguage } from "../core/task.ts";
import type { Terminal } from "./terminal.ts";

export interface Flags {
  readonly model?: string;
  readonly lang?: AnswerLanguage;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly json?: boolean;
  readonly streamJson?: boolean;
  readonly config?: string;
  readonly allowCloud?: boolean;
  readonly offline?: boolean;
  readonly fresh?: boolean;
}

export interface ProgramParts {
  readonly terminal: Terminal;
  readonly version: string;
  readonly signal: AbortSignal;
  readonly configFile: string;
  /** Where the product keeps its things. */
  readonly home: string;
  readonly openApp: (flags: Flags) => App;
  /** An app for other programs that ask: there is nobody to allow it, so nothing leaves. */
  readonly openService: (askedBy: "mcp" | "proxy", flags: Flags) => App;
}
