// The models on disk: a GGUF file each, with a manifest beside it.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import { isNamed } from "../../core/is-named.ts";
import { replaceFile } from "../../private-file.ts";
import { EngineError } from "./engine-error.ts";

const manifestSchema = z.object({
  name: z.string(),
  file: z.string(),
  sizeBytes: z.number(),
  sha256: z.string(),
  /** Where it came from, for people. */
  source: z.string(),
  modifiedAt: z.string(),
  family: z.string(),
  parameterSize: z.string(),
  quantization: z.string(),
  contextTokens: z.number(),
});

export type ModelManifest = z.infer<typeof manifestSchema>;

export interface ModelFiles {
  list(): Promise<readonly ModelManifest[]>;
  /** @throws EngineError 404 */
  find(name: string): Promise<ModelManifest>;
  pathOf(manifest: ModelManifest): string;
  /** Takes a whole, checked file over under its name. */
  adopt(path: string, manifest: ModelManifest): Promise<void>;
  remove(name: string): Promise<void>;
}

export function createModelFiles(folder: string): ModelFiles {
  const files: ModelFiles = {
    async list() {
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json"));
      const manifests = await Promise.all(names.map((name) => readManifest(join(folder, name))));
      const whole = await Promise.all(
        manifests.map(async (manifest) =>
          manifest && (await sizeOf(join(folder, manifest.file))) === manifest.sizeBytes ? [manifest] : [],
        ),
      );
      return whole.flat();
    },
    async find(name) {
      const models = await files.list();
      const found = models.find((model) => isNamed(model.name, name));
      if (!found) throw new EngineError(404, `model '${name}' not found`);
      return found;
    },
    pathOf: (manifest) => join(folder, manifest.file),
    async adopt(path, manifest) {
      await mkdir(folder, { recursive: true });
      await rename(path, join(folder, manifest.file));
      const manifestPath = join(folder, `${fileStem(manifest.name)}.json`);
      await replaceFile(manifestPath, JSON.stringify(manifest, null, 2));
    },
    async remove(name) {
      const manifest = await files.find(name);
      await rm(join(folder, `${fileStem(manifest.name)}.json`), { force: true });
      await rm(join(folder, manifest.file), { force: true });
    },
  };
  return files;
}

/** A tag as a file name: `gemma3:270m` is `gemma3-270m`. */
export function fileStem(name: string): string {
  return name.replace(/[^\w.-]/g, "-");
}

async function readManifest(path: string): Promise<ModelManifest | undefined> {
  try {
    return manifestSchema.safeParse(JSON.parse(await readFile(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.size,
    () => undefined,
  );
}

/** SHA-256 of a file, hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

/** Whether the file begins as GGUF files do. */
export async function isGguf(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString("latin1") === "GGUF";
  } finally {
    await file.close();
  }
}
