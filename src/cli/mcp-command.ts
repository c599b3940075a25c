import type { Command } from "commander";
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
      const { version, home, windows } = parts;
      await serveMcp(
        { app, version, home, folder, log: note, asksFolders: () => asksFolders(windows()) },
        parts.signal,
      );
    });
}
