// The person's settings in the editor, for the service that outlives it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "../core/settings.ts";
import { writePrivateFile } from "../private-file.ts";

export const editorSettingsFile = (home: string): string => join(home, "editor-settings.json");

/** Written only where something changed: the service reads it again whenever it is written. */
export async function passSettings(home: string, settings: Settings): Promise<void> {
  const file = editorSettingsFile(home);
  const text = `${JSON.stringify(settings, undefined, 2)}\n`;
  if ((await readFile(file, "utf8").catch(() => "")) === text) return;
  await writePrivateFile(file, text);
}
