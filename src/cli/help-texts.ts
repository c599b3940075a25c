// The words of the library that reads the command line, in the person's language.
import type { Command } from "commander";
import type { Terminal, Translate } from "./terminal.ts";

/** To be called before commands are added: they take it over. */
export function speak(program: Command, { t, complain }: Pick<Terminal, "t" | "complain">): void {
  const titles: Readonly<Record<string, string>> = {
    "Usage:": t("Usage:"),
    "Arguments:": t("Arguments:"),
    "Options:": t("Options:"),
    "Global Options:": t("Options of every command:"),
    "Commands:": t("Commands:"),
  };
  program
    .helpOption("-h, --help", t("show this help"))
    .helpCommand(false)
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (title) => titles[title] ?? title,
      optionDescription: ({ description, defaultValue }) =>
        typeof defaultValue === "string" || typeof defaultValue === "number"
          ? t("{0} (otherwise: {1})", description, defaultValue)
          : description,
    })
    .configureOutput({
      writeErr: (text) => complain(text.trimEnd()),
      outputError: (text, write) => write(`switchyard: ${explained(text, t, program)}\n`),
    });
}

/** The library's own shows all its help for a command that there is not. */
export function addHelpCommand(program: Command, { t }: Pick<Terminal, "t">): void {
  program
    .command("help")
    .description(t("show the help of a command"))
    .argument("[command...]", t("which one; nothing shows all commands"))
    .action((names: string[]) => {
      let asked = program;
      for (const name of names) {
        const next = asked.commands.find((each) => each.name() === name);
        if (!next) return program.error(`error: unknown command '${names.join(" ")}'`);
        asked = next;
      }
      asked.outputHelp();
    });
}

/** What is wrong with a command line; the library says it in English only. */
function explained(error: string, t: Translate, program: Command): string {
  const known: readonly (readonly [RegExp, (...found: string[]) => string])[] = [
    [/unknown option '(.+?)'/, (flag) => t("There is no option {0}.", flag)],
    [/unknown command '(.+?)'/, (name) => t("There is no command {0}.", name)],
    [/missing required argument '(.+?)'/, (name) => t("Here <{0}> is missing.", name)],
    [/option '(.+?)' argument missing/, (flag) => t("The value of {0} is missing.", flag)],
    [
      /option '(.+?)' argument '(.*?)' is invalid\. (.+)/,
      (flag, value, allowed) => t("{0} cannot be “{1}”; possible: {2}", flag, value, allowed),
    ],
    [
      /command-argument value '(.*?)' is invalid for argument '(.+?)'\. (.+)/,
      (value, name, allowed) => t("{0} cannot be “{1}”; possible: {2}", `<${name}>`, value, allowed),
    ],
    [
      /too many arguments for '(.+?)'/,
      (name) => {
        const below = program.commands.find((each) => each.name() === name)?.commands ?? [];
        if (below.length === 0) return t("That is more than this command takes.");
        return t("{0} has no such command; possible: {1}", name, below.map((each) => each.name()).join(" | "));
      },
    ],
    [/too many arguments/, () => t("That is more than this command takes.")],
  ];
  const guess = /\(Did you mean (?:one of )?(.+?)\?\)/.exec(error)?.[1];
  for (const [pattern, say] of known) {
    const match = pattern.exec(error);
    if (match) return [say(...match.slice(1)), ...(guess ? [t("Did you mean {0}?", guess)] : [])].join(" ");
  }
  return error.replace(/^error: /, "").trimEnd();
}
