// Writes deploy/compose from the one description of the stack.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { composeFile } from "../src/containers/compose.ts";
import { defaultChoice, describeStack, type Variant } from "../src/containers/stack.ts";
import { root } from "./run.ts";

const variants: Readonly<Record<Variant, string>> = {
  cpu: "compose.yaml",
  nvidia: "compose.nvidia.yaml",
  amd: "compose.amd.yaml",
  vulkan: "compose.vulkan.yaml",
};

/** File name to its text. */
export function composeFiles(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(variants).map(([variant, file]) => [
      file,
      composeFile(describeStack({ ...defaultChoice, variant: variant as Variant })),
    ]),
  );
}

if (import.meta.main) {
  const folder = join(root, "deploy", "compose");
  await mkdir(folder, { recursive: true });
  for (const [file, text] of composeFiles()) await writeFile(join(folder, file), text);
}
