// The proxy's image, made here from the product's own files: nothing of ours has to be fetched.
import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import * as z from "zod/mini";
import { msg } from "../core/message.ts";
import { parseJson } from "../core/parse-json.ts";
import { TaskError } from "../core/task-error.ts";
import { call, type Engine } from "./engine.ts";
import { labels } from "./stack.ts";
import { dockerfile, imageParts } from "./stack-proxy.ts";

const buildLimitMs = 5 * 60_000;
const lineSchema = z.object({ error: z.optional(z.string()) });

/** Names what is in the image: another version of the product is another tag. */
export async function proxyTagOf(packageRoot: string): Promise<string> {
  const hash = createHash("sha256").update(dockerfile);
  for (const file of await partsOf(packageRoot)) {
    hash.update(`${file}\0`).update(await readFile(join(packageRoot, file)));
  }
  return hash.digest("hex").slice(0, 12);
}

async function partsOf(packageRoot: string): Promise<readonly string[]> {
  const found = await Promise.all(
    imageParts.map(async (part) => {
      const entry = await stat(join(packageRoot, part)).catch(() => undefined);
      if (!entry) throw notBuilt(join(packageRoot, part));
      return entry.isFile() ? [part] : globSync(`${part}/**/*.{js,json}`, { cwd: packageRoot });
    }),
  );
  return found
    .flat()
    .map((file) => file.replaceAll("\\", "/"))
    .sort((a, b) => a.localeCompare(b, "en"));
}

function notBuilt(path: string): TaskError {
  return new TaskError(
    "bad-input",
    msg("{0} is missing, and the proxy’s image is made of it. Build first: npm run build", path),
  );
}

/** The base image is there already. */
export async function buildProxyImage(
  { docker }: Engine,
  image: string,
  stackName: string,
  packageRoot: string,
  signal: AbortSignal,
): Promise<void> {
  const { default: tar } = await import("tar-stream");
  const context = tar.pack();
  context.entry({ name: "Dockerfile" }, dockerfile);
  for (const file of await partsOf(packageRoot)) context.entry({ name: file }, await readFile(join(packageRoot, file)));
  context.finalize();
  const options = { t: image, forcerm: true, labels: { [labels.stack]: stackName }, abortSignal: signal };
  const stream = await call(docker.buildImage(Readable.from(context), options), signal, buildLimitMs);
  for await (const text of createInterface({ input: new Readable().wrap(stream), signal })) {
    const said = lineSchema.safeParse(parseJson(text)).data?.error;
    if (said !== undefined)
      throw new TaskError("server-error", msg("The image {0} could not be made: {1}", image, said));
  }
  signal.throwIfAborted();
}

/** Those of earlier versions; one in use stays. */
export async function removeOldImages(
  { docker }: Engine,
  stackName: string,
  keep: string,
  signal: AbortSignal,
): Promise<void> {
  const filters = JSON.stringify({ label: [`${labels.stack}=${stackName}`] });
  const ours = await call(docker.listImages({ filters }), signal);
  const old = ours.filter(({ RepoTags: tags }) => !(tags ?? []).includes(keep));
  await Promise.allSettled(old.map(({ Id }) => call(docker.getImage(Id).remove(), signal)));
  signal.throwIfAborted();
}
