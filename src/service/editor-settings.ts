// Where the person's settings in the editor are kept for the service, which outlives the editor.
import { join } from "node:path";

export const editorSettingsFile = (home: string): string => join(home, "editor-settings.json");
