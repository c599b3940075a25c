// Characters that change how text reads without being seen: direction marks, zero-width signs, tag characters.

export const hiddenCharacters: RegExp =
  /[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0]|[\u{e0000}-\u{e007f}]|(?<!\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})\u200d|\u200d(?!\p{Extended_Pictographic})/gu;

/** `U+202E` */
export function nameOfHidden(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Text with a visible name in place of each hidden character, for where there is nothing but text. */
export function revealHidden(text: string): string {
  return text.replace(hiddenCharacters, nameOfHidden);
}

/** Signs that would move the cursor, change colours or more of a terminal; what a model says is only text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text that a terminal only writes: control characters but line ends and tabs become their pictures. */
export function plainForTerminal(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(controls, (sign) => {
    const code = sign.charCodeAt(0);
    if (code === 0x7f) return "\u2421";
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : nameOfHidden(sign);
  });
}

/** JSON in one line; the control characters that it may hold as they are become escapes of its own. */
export function jsonForTerminal(value: unknown): string {
  return JSON.stringify(value).replace(controls, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Text for a notification, where the editor would make links of `[…](…)`, also links that run its commands. */
export function withoutLinks(text: string): string {
  return text.replaceAll("](", "] (");
}
