// Lines of the form NAME=value.
import type { Step } from "./client.ts";

const lineOf = (name: string) => new RegExp(`^(?:export\\s+)?${name}=.*(?:\\r?\\n|$)`, "m");

export const envText = {
  parse(text: string): unknown {
    const lines = [...text.matchAll(/^(?:export\s+)?([A-Za-z_]\w*)=(.*?)\r?$/gm)];
    return Object.fromEntries(lines.map(([, name, value]) => [name, value]));
  },

  set(text: string, path: readonly Step[], value: unknown): string {
    const line = `${String(path[0])}=${String(value)}\n`;
    const there = lineOf(String(path[0]));
    if (there.test(text)) return text.replace(there, () => line);
    return text === "" || text.endsWith("\n") ? text + line : `${text}\n${line}`;
  },

  remove: (text: string, path: readonly Step[]): string => text.replace(lineOf(String(path[0])), ""),
};
