import { createTwoFilesPatch } from "diff";
import type { FileChange } from "./connect.ts";

/** The token as it is shown: enough of it to be recognised, too little to be used. */
export function maskToken(text: string, token: string): string {
  return text.replaceAll(token, `${token.slice(0, 5)}…`);
}

/** A change as a unified diff, without the token. */
export function diffOf({ path, before, after }: FileChange, token: string): string {
  const patch = createTwoFilesPatch(path, path, before ?? "", after ?? "", undefined, undefined, { context: 2 });
  return maskToken(patch.replace(/^Index: .*\n=+\n/, ""), token);
}
