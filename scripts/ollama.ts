// A real Ollama for the tests that ask one: the one that is installed, else built from its Go module by
// `node scripts/ollama.ts`, which takes a C++ compiler some ten minutes and is for that left to whoever wants it.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram, installPackages } from "./debian.ts";
import { cacheFolder } from "./folders.ts";
import { freePort } from "./free-port.ts";
import { mustRun } from "./run.ts";
import { untilServing } from "./until-serving.ts";

const version = "0.17.4";
const folder = join(cacheFolder, `ollama-${version}`);
const buildLimitMs = 60 * 60_000;
const startLimitMs = 60_000;

/** A program that can be started; undefined where there is none. */
export function findOllama(): string | undefined {
  const built = join(folder, "ollama");
  return existsSync(built) ? built : findProgram("ollama");
}

export interface OllamaServer {
  readonly url: string;
  /** Makes a model of a file of weights. */
  create(name: string, weights: string): Promise<void>;
  stop(): Promise<void>;
}

/** Started by us alone: on a free port of this machine, with models of its own. @param home an empty folder */
export async function startRealOllama(program: string, home: string): Promise<OllamaServer> {
  const host = `127.0.0.1:${await freePort()}`;
  const env = { PATH: process.env["PATH"], HOME: home, OLLAMA_HOST: host, OLLAMA_MODELS: join(home, "models") };
  const child = spawn(program, ["serve"], { env, stdio: "ignore" });
  const url = `http://${host}`;
  const { stop } = await untilServing(child, `${url}/api/version`, {
    title: "Ollama",
    limitMs: startLimitMs,
    signal: "SIGTERM",
  });
  return {
    url,
    async create(name, weights) {
      const file = join(home, "Modelfile");
      await writeFile(file, `FROM ${weights}\n`);
      await promisify(execFile)(program, ["create", name, "-f", file], { env });
    },
    stop,
  };
}

/** What the module leaves out: headers that lie in a folder named `vendor`. */
async function headers(): Promise<string> {
  await installPackages("nlohmann-json3-dev", "libstb-dev");
  // Carries `miniaudio.h`.
  const { stdout } = await promisify(execFile)("go", [
    "mod",
    "download",
    "-json",
    "github.com/gen2brain/malgo@v0.11.24",
  ]);
  const include = join(folder, "include");
  await mkdir(join(include, "miniaudio"), { recursive: true });
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  await writeFile(join(include, "miniaudio", "miniaudio.h"), `#include "${join(Dir, "miniaudio.h")}"\n`);
  return include;
}

if (import.meta.main) {
  if (!findProgram("go") || !findProgram("g++")) {
    console.error("Install Go 1.24 or newer and g++, then run this again; or install Ollama itself.");
    process.exit(1);
  }
  const flags = ["-O3", ...(process.arch === "x64" ? ["-mavx2", "-mfma", "-mf16c"] : [])];
  const all = [...flags, `-I${await headers()}`].join(" ");
  const link = `-X=github.com/ollama/ollama/version.Version=${version}`;
  await mustRun("go", ["install", "-ldflags", link, `github.com/ollama/ollama@v${version}`], {
    env: { GOBIN: folder, CGO_CFLAGS: all, CGO_CXXFLAGS: all },
    limitMs: buildLimitMs,
  });
  console.log(join(folder, "ollama"));
}
