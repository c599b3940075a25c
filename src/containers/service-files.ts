// Files that a container finds in its volumes. They are given to the engine as an archive, so that it need not share a
// folder with this machine, and each can be read by the container's account alone.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { buffer } from "node:stream/consumers";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { call, type Engine } from "./engine.ts";
import { ownSecret } from "./secrets.ts";
import type { FileSpec, ServiceSpec } from "./service-spec.ts";

/** Where the product's files and the person's secrets lie. */
export interface FileRoots {
  readonly packageRoot: string;
  readonly home: string;
}

export interface FilledFile extends FileSpec {
  readonly bytes: Buffer;
}

/** @throws TaskError `bad-input` that names the file which cannot be read */
export function fillFiles(service: ServiceSpec, roots: FileRoots): Promise<readonly FilledFile[]> {
  return Promise.all(service.files.map(async (file) => ({ ...file, bytes: await contentOf(file, roots) })));
}

async function contentOf({ from }: FileSpec, { packageRoot, home }: FileRoots): Promise<Buffer> {
  if (from.kind === "text") return Buffer.from(from.text);
  if (from.kind === "secret") return Buffer.from(await ownSecret(home, from.name));
  const path = from.kind === "host" ? from.path : join(packageRoot, "deploy", from.path);
  try {
    return await readFile(path);
  } catch (cause) {
    throw new TaskError("bad-input", msg("The file {0} cannot be read. Mend the setting that names it.", path), {
      cause,
    });
  }
}

/** Empty where there are none: the container's hash is then that of its description. */
export function hashOf(files: readonly FilledFile[]): string {
  if (files.length === 0) return "";
  const hash = createHash("sha256");
  for (const { target, bytes } of files) hash.update(target).update("\0").update(bytes);
  return hash.digest("hex");
}

/** Into a container that was made and does not run yet. */
export async function putFiles(
  { docker }: Engine,
  id: string,
  service: ServiceSpec,
  files: readonly FilledFile[],
  signal: AbortSignal,
): Promise<void> {
  for (const { target } of service.volumes) {
    const within = files.filter((file) => file.target.startsWith(`${target}/`));
    if (within.length === 0) continue;
    const archive = await pack(within.map((file) => ({ ...file, name: posix.relative(target, file.target) })));
    await call(docker.getContainer(id).putArchive(archive, { path: target }), signal);
  }
}

interface Packed {
  readonly name: string;
  readonly owner: number;
  readonly bytes: Buffer;
}

async function pack(files: readonly Packed[]): Promise<Buffer> {
  const { default: tar } = await import("tar-stream");
  const archive = tar.pack();
  const folders = new Map(files.flatMap(({ name, owner }) => parentsOf(name).map((each) => [each, owner] as const)));
  for (const [name, owner] of folders) archive.entry({ name, type: "directory", mode: 0o755, uid: owner, gid: owner });
  for (const { name, owner, bytes } of files) archive.entry({ name, mode: 0o600, uid: owner, gid: owner }, bytes);
  archive.finalize();
  return buffer(archive);
}

/** `a/b/c` is in `a` and `a/b`. */
function parentsOf(name: string): readonly string[] {
  const parts = name.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
