// What the command line prints: answers to standard output, everything about them to standard error.
import { readFileSync } from "node:fs";
import type { Badge } from "../core/answer.ts";
import { formatUsd } from "../core/cost.ts";
import { jsonForTerminal, plainForTerminal } from "../core/hidden-characters.ts";
import { formatMessage, type Message, type MessageBundle, msg } from "../core/message.ts";
import { kindName, outcomeName, placeName, serverName } from "../core/names.ts";
import type { AnswerLanguage } from "../core/task.ts";

export type Translate = (template: string, ...args: (string | number)[]) => string;

/** Whatever signs are in a text, a terminal only writes it. */
export interface Terminal {
  readonly language: AnswerLanguage;
  readonly t: Translate;
  /** A message of any layer in the person's language. */
  readonly say: (message: Message) => string;
  /** To standard error. */
  readonly note: (text: string) => void;
  /** To standard error also where it is to be quiet: what failed, and the log. */
  readonly complain: (text: string) => void;
  /** A line on standard error that whatever comes next replaces; only for a terminal, and not in the middle of an answer's line. */
  readonly progress: (text: string) => void;
  /** To standard output. */
  readonly write: (text: string) => void;
  /** A line of JSON, to standard output. */
  readonly writeJson: (value: unknown) => void;
  /** What a model says, and what a file is made of: to standard output, as it is where that is no terminal. */
  readonly show: (text: string) => void;
}

export function createTerminal(env: Readonly<Record<string, string | undefined>>, isQuiet: boolean): Terminal {
  const language = languageOf(env);
  const bundle = language === "zh-CN" ? loadBundle() : {};
  const say = (message: Message) => formatMessage(message, bundle);
  const { print, tell, draw } = createLines();
  // Some can do no more than a typewriter: a line that is there cannot be wiped out.
  const canDraw = !isQuiet && env["TERM"] !== "dumb";
  return {
    language,
    say,
    t: (template, ...args) => say(msg(template, ...args)),
    note: (text) => {
      if (!isQuiet) tell(plainForTerminal(text), false);
    },
    complain: (text) => tell(plainForTerminal(text), true),
    progress: (text) => {
      if (canDraw && process.stderr.isTTY) draw(inOneRow(plainForTerminal(text), process.stderr.columns));
    },
    write: (text) => print(plainForTerminal(text)),
    writeJson: (value) => print(`${jsonForTerminal(value)}\n`),
    show: (text) => print(process.stdout.isTTY ? plainForTerminal(text) : text),
  };
}

/**
 * Both streams end in the same last line of a terminal: only a progress line is ever wiped out, and what is told in the
 * middle of an answer's line waits for its end.
 */
function createLines() {
  let last: "ended" | "answer" | "progress" = "ended";
  const held: string[] = [];
  const wipe = () => {
    if (last !== "progress") return;
    process.stderr.write("\r\u001b[K");
    last = "ended";
  };
  const release = () => {
    for (const text of held.splice(0)) process.stderr.write(`${text}\n`);
  };
  return {
    print(text: string): void {
      if (text === "") return;
      wipe();
      const end = held.length > 0 ? text.lastIndexOf("\n") + 1 : 0;
      if (end > 0) process.stdout.write(text.slice(0, end));
      if (end > 0) release();
      if (end < text.length) process.stdout.write(text.slice(end));
      const isOnScreen = process.stdout.isTTY && process.stderr.isTTY;
      last = isOnScreen && !text.endsWith("\n") ? "answer" : "ended";
    },
    /** @param isUrgent begins a line of its own where it cannot wait */
    tell(text: string, isUrgent: boolean): void {
      wipe();
      held.push(text);
      if (last === "answer" && !isUrgent) return;
      if (last === "answer") process.stderr.write("\n");
      last = "ended";
      release();
    },
    draw(text: string): void {
      wipe();
      if (text === "" || last === "answer") return;
      process.stderr.write(text);
      last = "progress";
    },
  };
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]/u;

/** Only the last row is ever wiped out. @param columns of the terminal; 0 or undefined: not known */
export function inOneRow(text: string, columns: number | undefined): string {
  if (!columns) return text;
  let [row, width] = ["", 0];
  for (const sign of text) {
    width += wide.test(sign) ? 2 : 1;
    // The last column is left free: some terminals go to the next row once it is full.
    if (width >= columns - 1) return `${row}…`;
    row += sign;
  }
  return row;
}

/** As the C library does it, an empty variable counts as none. */
function languageOf(env: Readonly<Record<string, string | undefined>>): AnswerLanguage {
  const locale = env["SWITCHYARD_LOCALE"] || env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"] || "";
  return /^zh/i.test(locale) ? "zh-CN" : "en";
}

function loadBundle(): MessageBundle {
  for (const place of ["../media/l10n/", "../../media/l10n/", "../../../media/l10n/"]) {
    try {
      return JSON.parse(readFileSync(new URL(`${place}bundle.l10n.zh-cn.json`, import.meta.url), "utf8"));
    } catch {
      // Bundled and unbundled code lie at different depths.
    }
  }
  return {};
}

/** One line under an answer: what ran where, and how fast. */
export function badgeLine(badge: Badge, { t, say }: Terminal): string {
  const { route } = badge;
  return [
    t("{0}: {1}", say(kindName(route.task)), t("{0} ({1})", route.model, say(route.why))),
    t("{0}, {1}", say(serverName(route.backend)), say(placeName(route.place))),
    ...(badge.firstTokenMs === undefined ? [] : [t("first token {0} ms", Math.round(badge.firstTokenMs))]),
    ...(badge.tokensPerSecond === undefined ? [] : [t("{0} tokens/s", badge.tokensPerSecond.toFixed(1))]),
    ...(badge.answerTokens === undefined
      ? []
      : [t("{0} tokens in, {1} out", badge.promptTokens ?? "?", badge.answerTokens)]),
    ...(badge.costUsd === undefined ? [] : [formatUsd(badge.costUsd)]),
    ...(badge.keptAtMs === undefined ? [] : [t("known since {0}", new Date(badge.keptAtMs).toLocaleString())]),
    say(outcomeName(badge.outcome)),
  ].join(" · ");
}
