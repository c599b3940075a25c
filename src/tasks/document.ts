import { fenced } from "../core/fence.ts";
import type { Source } from "../core/task.ts";
import { planWithHistory } from "./conversation.ts";
import { answerIn, dataRule, needSources, system, user } from "./prompt.ts";
import type { TaskDefinition } from "./task-definition.ts";

/** The comment that each language's own tools read. */
const conventions: Readonly<Record<string, string>> = {
  typescript: "a TSDoc comment (/** … */ with @param, @returns, @throws)",
  typescriptreact: "a TSDoc comment (/** … */ with @param, @returns, @throws)",
  javascript: "a JSDoc comment (/** … */ with types in @param, @returns, @throws)",
  javascriptreact: "a JSDoc comment (/** … */ with types in @param, @returns, @throws)",
  python: 'a docstring in Google style ("""…""" with Args, Returns, Raises)',
  go: "a Go doc comment (// lines that begin with the name)",
  rust: "a rustdoc comment (/// lines with # Errors and # Panics where they apply)",
  java: "a Javadoc comment (/** … */ with @param, @return, @throws)",
  kotlin: "a KDoc comment (/** … */)",
  csharp: "an XML documentation comment (/// <summary>…)",
  cpp: "a Doxygen comment (/** … */ with @param, @return)",
  c: "a Doxygen comment (/** … */ with @param, @return)",
  php: "a PHPDoc comment (/** … */)",
  ruby: "a YARD comment (# lines with @param, @return)",
  swift: "a Swift documentation comment (/// with - Parameters, - Returns, - Throws)",
};

export const document: TaskDefinition = {
  kind: "document",
  sampling: { temperature: 0.2, topP: 0.9, repeatPenalty: 1.1 },
  think: false,
  plan(ask, context) {
    const sources = ask.sources.length > 0 ? needSources(ask) : [];
    const isCode = sources.length > 0 && sources.every((source) => conventionOf(source) !== undefined);
    const rules = isCode && ask.history.length === 0 ? commentRules(sources) : proseRules;
    const question = user(ask.text, ...sources.map(fenced), answerIn(context.answerLanguage));
    return planWithHistory(ask, [rules], question, context);
  },
};

const proseRules = system(
  "You write technical documentation: clear headings, short sentences, examples that run. Invent nothing.",
  dataRule,
);

function conventionOf(source: Source): string | undefined {
  return conventions[source.languageId ?? ""];
}

function commentRules(sources: readonly Source[]) {
  const wanted = [...new Set(sources.map(conventionOf))].join(" or ");
  return system(
    `Write ${wanted} for the code you are given: what it does, its parameters with their units, what it returns, what can go wrong.`,
    "Reply with one code block that holds the comment and nothing else. Do not repeat the code.",
    dataRule,
  );
}
