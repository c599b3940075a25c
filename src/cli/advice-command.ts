// Advice from a shell: shown, applied and measured, taken back.
import { readFile, rm } from "node:fs/promises";
import type { Command } from "commander";
import * as z from "zod/mini";
import type { Advice } from "../core/advice.ts";
import type { App } from "../core/app.ts";
import {
  type AdviceTools,
  applyAdvice,
  changedSince,
  comparison,
  type SettingsKeeper,
  undoAdvice,
} from "../core/apply-advice.ts";
import { msg } from "../core/message.ts";
import { parseJson } from "../core/parse-json.ts";
import { parseSettings } from "../core/settings.ts";
import { TaskError } from "../core/task-error.ts";
import { writePrivateFile } from "../private-file.ts";
import type { Flags, ProgramParts } from "./flags.ts";
import { printer } from "./printer.ts";
import type { Terminal } from "./terminal.ts";

interface AdviceFlags extends Flags {
  readonly apply?: string;
  readonly undo?: boolean;
}

export function addAdviceCommand(program: Command, parts: ProgramParts): void {
  const { t } = parts.terminal;
  program
    .command("advice")
    .description(t("say what to change so that answers are faster or better, from what was measured"))
    .option("--apply <id>", t("change it, and measure before and after"))
    .option("--undo", t("take the last change back exactly"))
    .action(async (_: object, command: Command) => {
      const flags = command.optsWithGlobals<AdviceFlags>();
      await advise(await parts.openApp(flags), flags, parts);
    });
}

async function advise(app: App, flags: AdviceFlags, { terminal, signal, configFile }: ProgramParts): Promise<void> {
  const { t, say, note } = terminal;
  const print = printer(terminal);
  const keeper = createFileKeeper(flags.config ?? configFile, app);
  if (flags.undo) {
    const undone = await undoAdvice(app.advice, keeper);
    return print(flags, undone, t("Taken back: {0}", say(undone.changeText)));
  }
  const list = await app.advice.list(signal);
  if (flags.apply === undefined) return print(flags, list, await describe(list, app.advice, terminal));
  const advice = list.find(({ id }) => id === flags.apply);
  if (!advice) throw new TaskError("bad-input", msg("There is no advice {0}. See: switchyard advice", flags.apply));
  if (advice.needs) {
    note(t("Getting {0}", advice.needs));
    for await (const _ of app.pull(advice.needs, signal));
  }
  const tell = (step: "before" | "after") =>
    note(step === "before" ? t("Measuring as it is …") : t("Measuring after the change …"));
  const applied = await applyAdvice(advice, app.advice, keeper, tell, signal);
  const head = t("Changed: {0}. To take it back: switchyard advice --undo", say(applied.changeText));
  print(flags, applied, [head, ...comparison(applied).map((line) => `  ${say(line)}`)].join("\n"));
}

async function describe(list: readonly Advice[], tools: AdviceTools, { t, say }: Terminal): Promise<string> {
  const applied = await tools.applied();
  const before = applied ? [t("Applied: {0}. To take it back: switchyard advice --undo", say(applied.changeText))] : [];
  if (list.length === 0) return [...before, t("No advice: what was recorded shows nothing to mend.")].join("\n");
  const texts = list.map(({ id, title, evidence, changeText, needs }) =>
    [
      say(title),
      ...evidence.map((line) => `  ${say(line)}`),
      `  → ${say(changeText)}${needs ? ` (${t("is downloaded first")})` : ""}`,
      `  switchyard advice --apply "${id}"`,
    ].join("\n"),
  );
  return [...before, ...texts].join("\n");
}

const undoSchema = z.object({
  file: z.string(),
  key: z.string(),
  textBefore: z.nullable(z.string()),
  textAfter: z.string(),
});

/** The settings file; taken back byte for byte, as long as nobody else has written it. */
function createFileKeeper(file: string, app: App): SettingsKeeper {
  return {
    async change({ key, value }) {
      const textBefore = await readFile(file, "utf8").catch(() => null);
      const known = parseJson((textBefore ?? "{}").replace(/^\ufeff/, ""));
      if (typeof known !== "object" || known === null) {
        throw new TaskError("bad-input", msg("{0} is not a JSON object. Mend it or remove it.", file));
      }
      const textAfter = `${JSON.stringify({ ...known, [key]: value }, null, 2)}\n`;
      await writePrivateFile(file, textAfter);
      app.configure(parseSettings({ ...app.settings(), [key]: value }));
      return { file, key, textBefore, textAfter };
    },
    async undo(before) {
      const { data } = undoSchema.safeParse(before);
      if (!data) throw new TaskError("bad-input", msg("This was changed in the editor; take it back there."));
      if ((await readFile(data.file, "utf8").catch(() => "")) !== data.textAfter) throw changedSince(data.key);
      if (data.textBefore === null) await rm(data.file, { force: true });
      else await writePrivateFile(data.file, data.textBefore);
    },
  };
}
