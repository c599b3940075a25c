// Where the tests of the stores keep things, and what listens to them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { formatMessage, type Message } from "../../src/core/message.ts";

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-store-"));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A host that writes down what it is told. */
export function listeningHost() {
  const notices: string[] = [];
  const lines: string[] = [];
  return {
    notices,
    lines,
    nowMs: () => Date.now(),
    notice: (text: Message) => void notices.push(formatMessage(text)),
    log: (text: string) => void lines.push(text),
  };
}

export async function until(isTrue: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error("it did not become so in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
