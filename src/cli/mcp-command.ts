import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { asksFolders } from "../core/window-rules.ts";
import type { Flags, ProgramParts } from "./flags.ts";

export function addMcpCommand(program: Command, parts: ProgramParts): void {
  const { t, note } = parts.terminal;
  program
    .command("mcp")
    .description(t("offer local models to Claude Code and other agents, over standard input and output"))
    .option("--root <folder>", t("share this folder with clients that name none; otherwise the working directory"))
    .action(async (own: { root?: string }, command: Command) => {
      const [{ serveMcp }, app] = await Promise.all([
        import("../mcp/main.ts"),
        parts.openService("mcp", command.optsWithGlobals<Flags>()),
      ]);
      const folder = own.root ?? process.cwd();
      if (!(await isFolder(folder))) throw new TaskError("bad-input", msg("There is no folder {0} to share.", folder));
      const { version, home, windows } = parts;
      await serveMcp(
        { app, version, home, folder, log: note, asksFolders: () => asksFolders(windows()) },
        parts.signal,
      );
    });
}

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
