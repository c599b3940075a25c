// What it takes to set up another program, so that its requests come here.
import type { Message } from "../core/message.ts";

/** One step into a document: a key, or the element of a list whose `key` is `is`. */
export type Step = string | { readonly key: string; readonly is: string };

export interface ClientSetting {
  readonly path: readonly Step[];
  readonly value: unknown;
  /** Only where nothing is there yet. */
  readonly isDefault?: true;
}

export type FileFormat = "json" | "toml" | "yaml" | "env";

export interface ClientFile {
  readonly path: string;
  readonly format: FileFormat;
  readonly settings: readonly ClientSetting[];
  /** Whether the token is among them: then only this person may read the file, and it may lie in no repository. */
  readonly hasToken: boolean;
}

/** Where the service is, and where this person's programs keep their settings. */
export interface Surroundings {
  readonly url: string;
  readonly token: string;
  /** Model to name; the service's own names are routed. */
  readonly model: string;
  /** Most tokens a prompt may have. */
  readonly contextTokens: number;
  readonly userHome: string;
  /** The folder with the editor's own `settings.json`. */
  readonly editorFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const clientIds = ["claude-code", "cline", "continue", "codex", "vscode"] as const;
export type ClientId = (typeof clientIds)[number];

export interface Client {
  readonly id: ClientId;
  readonly name: string;
  /** Beginning of how it names itself in its requests; empty where it does not. */
  readonly agent: RegExp;
  files(surroundings: Surroundings): readonly ClientFile[];
  /** What the person still has to do or know. */
  notes(surroundings: Surroundings): readonly Message[];
}
