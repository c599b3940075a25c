import { join } from "node:path";

/** Where models and conversations are kept unless `SWITCHYARD_HOME` says otherwise. */
export function defaultHome(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  homedir: string,
): string {
  if (env["SWITCHYARD_HOME"]) return env["SWITCHYARD_HOME"];
  if (platform === "win32") return join(env["LOCALAPPDATA"] ?? join(homedir, "AppData", "Local"), "switchyard");
  if (platform === "darwin") return join(homedir, "Library", "Application Support", "switchyard");
  return join(env["XDG_DATA_HOME"] ?? join(homedir, ".local", "share"), "switchyard");
}
