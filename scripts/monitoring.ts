// Writes deploy/monitoring anew from scripts/monitoring/panels.ts and alerts.ts. Run after changing those.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { monitoringFiles } from "./monitoring/files.ts";
import { root } from "./run.ts";

for (const [path, text] of monitoringFiles()) {
  const file = join(root, "deploy", "monitoring", path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
