import { formatMessage, type Message, type MessageBundle, msg } from "../core/message.ts";

export interface Strings {
  /** A text of the page in the person's language. */
  t(template: string, ...args: (string | number)[]): string;
  /** A message of the host in the person's language. */
  say(message: Message): string;
}

export function createStrings(bundle: MessageBundle): Strings {
  const say = (message: Message) => formatMessage(message, bundle);
  return { say, t: (template, ...args) => say(msg(template, ...args)) };
}
