// Writes the Compose files, and what they give to the containers, from the one description of the stack.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { composeFile, productionFile } from "../src/containers/compose.ts";
import type { Variant } from "../src/containers/service-spec.ts";
import { defaultChoice, describeStack } from "../src/containers/stack.ts";
import { dockerfile } from "../src/containers/stack-proxy.ts";
import { root } from "./run.ts";

const variants: readonly (readonly [Variant, string])[] = [
  ["cpu", "compose.yaml"],
  ["nvidia", "compose.nvidia.yaml"],
  ["amd", "compose.amd.yaml"],
  ["vulkan", "compose.vulkan.yaml"],
];

/** Path below `deploy/` to its text. */
export function deployFiles(): ReadonlyMap<string, string> {
  const stack = describeStack(defaultChoice);
  const texts = stack.services
    .flatMap(({ files }) => files.map(({ from }) => from))
    .filter(({ kind }) => kind === "text");
  return new Map([
    ...variants.map(([variant, file]): [string, string] => [
      `compose/${file}`,
      composeFile(describeStack({ ...defaultChoice, variant })),
    ]),
    ["compose/compose.production.yaml", productionFile(stack)],
    ["proxy/Dockerfile", dockerfile],
    ...texts.flatMap((from): [string, string][] => (from.kind === "text" ? [[from.path, from.text]] : [])),
  ]);
}

if (import.meta.main) {
  for (const [file, text] of deployFiles()) {
    const path = join(root, "deploy", file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}
