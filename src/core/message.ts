import { withoutCredentials } from "./addresses.ts";

/** What fills a place in a message; another message is put into the person's language as well. */
export type MessageArgument = string | number | Message;

/** A text for people, not yet in their language: an English template with `{0}`, `{1}` … and what fills them. */
export interface Message {
  readonly template: string;
  readonly args: readonly MessageArgument[];
}

/** Template to translation, as in `media/l10n/bundle.l10n.zh-cn.json`. */
export type MessageBundle = Readonly<Record<string, string>>;

/** Marks a text as shown to people. `test/l10n.test.ts` finds these calls and checks that each has a Chinese text. */
export function msg(template: string, ...args: MessageArgument[]): Message {
  return { template, args };
}

/** The text in the bundle's language; in English where the bundle lacks it. */
export function formatMessage(message: Message, bundle: MessageBundle = {}): string {
  const template = bundle[message.template] ?? message.template;
  return template.replace(/\{(\d+)\}/g, (whole, index: string) => {
    const value = message.args[Number(index)];
    if (value === undefined) return whole;
    return typeof value === "object" ? formatMessage(value, bundle) : withoutCredentials(String(value));
  });
}
