import type { App } from "../core/app.ts";
import type { Settings } from "../core/settings.ts";
import type { AnswerLanguage } from "../core/task.ts";
import type { WindowRules } from "../core/window-rules.ts";
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
  /** The program that runs: a file that Node can be started with. */
  readonly entry: string;
  /** What the service goes by, read anew. @throws TaskError `bad-input` where a file is broken. */
  readonly serviceSettings: (flags: Flags) => Settings;
  /** Files that it comes from. */
  readonly serviceFiles: (flags: Flags) => readonly string[];
  readonly openApp: (flags: Flags) => Promise<App>;
  /** What the windows of the editor keep here that are open now; it holds in `openService`. */
  readonly windows: () => readonly WindowRules[];
  /** An app for other programs that ask: there is nobody to allow it, so nothing leaves. */
  readonly openService: (askedBy: "mcp" | "proxy", flags: Flags) => Promise<App>;
}
