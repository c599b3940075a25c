// Commands about what left this machine and what is kept on it.
import type { Command } from "commander";
import { formatUsd } from "../core/cost.ts";
import { type LeaveAnswer, type LeaveQuestion, unsearchedText } from "../core/leave.ts";
import { exportLedger } from "../core/ledger-export.ts";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import type { Flags, ProgramParts } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

export function addPrivacyCommands(program: Command, parts: ProgramParts): void {
  const { terminal } = parts;
  const { t } = terminal;
  program
    .command("ledger")
    .description(t("show what left this machine"))
    .option("--csv", t("as CSV"))
    .action(async (own: { csv?: boolean }, command: Command) => {
      const flags = command.optsWithGlobals<Flags>();
      const { ledger } = await parts.openApp(flags);
      const entries = await ledger.list();
      if (own.csv || flags.json) terminal.show(exportLedger(entries, flags.json ? "json" : "csv"));
      else if (entries.length === 0) terminal.write(`${t("Nothing has left this machine.")}\n`);
      for (const entry of own.csv || flags.json ? [] : entries) {
        const cost = entry.costUsd === 0 ? "" : ` · ${formatUsd(entry.costUsd)}`;
        const { pictures } = entry;
        const seen = pictures ? ` · ${t("{0} pictures, {1} B", pictures.count, pictures.bytes)}` : "";
        const files = entry.sources.map((source) => source.uri).join(" ");
        terminal.write(
          `${new Date(entry.atMs).toISOString()} ${entry.destination} ${entry.model} ${entry.bytes} B${seen}${cost} · ${entry.outcome} ${files}\n`,
        );
      }
    });
  program
    .command("forget")
    .description(
      t("delete all conversations, previews of translations, kept answers and the record of what left this machine"),
    )
    .option("--yes", t("do it; without this nothing is deleted"))
    .action(async (own: { yes?: boolean }, command: Command) => {
      if (!own.yes) throw new TaskError("bad-input", msg("Nothing was deleted. Add --yes to delete everything."));
      const app = await parts.openApp(command.optsWithGlobals<Flags>());
      await app.forgetEverything();
      terminal.note(t("Everything is forgotten."));
    });
}

/** A shell cannot be asked in the middle of a pipe: what may leave is said beforehand, and secrets are always masked. */
export function leaveRule(flags: Flags, { note, t, say }: Terminal) {
  return async (question: LeaveQuestion): Promise<LeaveAnswer> => {
    for (const { label, source, line, preview } of question.secrets) {
      const place = source === undefined ? "" : ` (${line === undefined ? source : `${source}:${line}`})`;
      note(t("Masked before sending: {0}{1} {2}", say(label), place, preview));
    }
    const unsearched = unsearchedText(question.pictures);
    if (unsearched) note(say(unsearched));
    if (flags.allowCloud || !question.needsConsent) return { kind: "allow", by: "once", secrets: "mask" };
    const price = question.price ? `, ${formatUsd(question.price.minUsd)}–${formatUsd(question.price.maxUsd)}` : "";
    const { destination, promptTokens } = question;
    const text = msg(
      "Nothing was sent to {0} ({1} tokens{2}). To allow it, add --allow-cloud.",
      destination,
      promptTokens,
      price,
    );
    // The answer is the end of the task.
    if (question.isNamed) throw new TaskError("local-only", text);
    note(say(text));
    return { kind: "refuse" };
  };
}
