// A block of code that is still being written, read line by line: drawn anew, a long one would cost its whole length each time.
import { type CodeBlocks, openCodeBlock } from "./code-block.ts";
import { languageOf } from "./markdown.ts";

export interface OpenFence {
  readonly element: HTMLElement;
  /** Shows what has come. @param isLast nothing more will come @returns where the text goes on after it, once it is closed */
  read(text: string, isLast: boolean): number | undefined;
}

/** @returns undefined where none begins at the very left of that place */
export function openFence(text: string, from: number, codeBlocks: CodeBlocks): OpenFence | undefined {
  const match = /^(`{3,})([^`\n]*)\n|^(~{3,})([^\n]*)\n/.exec(text.slice(from, from + 200));
  const marker = match?.[1] ?? match?.[3];
  if (!match || !marker) return undefined;
  const block = openCodeBlock(languageOf(match[2] ?? match[4] ?? ""), codeBlocks);
  const closing = new RegExp(`^ {0,3}${marker[0]}{${marker.length},}[ \\t]*$`);
  /** Where the next line of code begins. */
  let at = from + match[0].length;
  return {
    element: block.element,
    read(whole, isLast) {
      for (;;) {
        const lineEnd = whole.indexOf("\n", at);
        const line = whole.slice(at, lineEnd < 0 ? whole.length : lineEnd);
        if (lineEnd < 0 && !isLast) {
          // The first signs of the closing fence are not code.
          block.showOpenLine(/^ *[`~]*$/.test(line) ? "" : line);
          return undefined;
        }
        const isClosing = closing.test(line);
        if (!isClosing && (lineEnd >= 0 || line !== "")) block.addLine(line);
        at = lineEnd < 0 ? whole.length : lineEnd + 1;
        if (!isClosing && lineEnd >= 0) continue;
        block.close();
        return at;
      }
    },
  };
}

export function startsFence(raw: string): boolean {
  return /^(?:`{3,}[^`\n]*\n|~{3,}[^\n]*\n)/.test(raw);
}
