// What is measured, started: the stand-in of a model server, the service, and what stands beside it.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { root } from "../../run.ts";
import type { Target } from "./connection.ts";
import { litellmConfig, routerHome } from "./peers.ts";
import { type Program, startProgram, startTool } from "./programs.ts";

export type Name = "direct" | "pipe" | "ours" | "portkey" | "router" | "litellm";

export interface Rig {
  readonly upstream: Program;
  readonly programs: ReadonlyMap<Name, Program>;
  readonly targets: ReadonlyMap<Name, Target>;
  readonly service: string;
  readonly portkey: string | undefined;
}

export const portkeyPort = 18_787;
const routerPort = 18_788;
const litellmPort = 18_789;
/** It would fetch prices, and tell its makers that it runs. */
const litellmEnv = { LITELLM_LOCAL_MODEL_COST_MAP: "True", LITELLM_TELEMETRY: "False" };

/** @returns its file */
export async function buildService(): Promise<string> {
  await mkdir(join(root, "out", "bench"), { recursive: true });
  const outfile = join(root, "out", "bench", "service.mjs");
  await esbuild.build({
    entryPoints: [join(root, "scripts", "bench", "gateway", "service.ts")],
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    external: ["node-llama-cpp", "ssh2", "cpu-features"],
    // As in the build of the product.
    alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
    banner: {
      js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
    },
    logLevel: "error",
    outfile,
  });
  return outfile;
}

export interface Beside {
  readonly router: string | undefined;
  readonly litellm: string | undefined;
}

export async function startRig(service: string, portkey: string | undefined, beside: Beside): Promise<Rig> {
  const upstream = await startTool(1, "upstream.ts", {});
  const env = { UPSTREAM: String(upstream.port) };
  const programs = new Map<Name, Program>([
    ["pipe", await startTool(0, "pipe.ts", env)],
    ["ours", await startProgram(0, [service], env)],
  ]);
  if (portkey) {
    const args = [portkey, `--port=${portkeyPort}`, "--headless"];
    programs.set("portkey", await startProgram(0, args, {}, { port: portkeyPort }));
  }
  if (beside.router) {
    const home = await routerHome(routerPort, upstream.port);
    programs.set("router", await startProgram(0, [beside.router, "start"], { HOME: home }, { port: routerPort }));
  }
  if (beside.litellm) {
    const args = ["--config", await litellmConfig(upstream.port), "--host", "127.0.0.1", "--port", String(litellmPort)];
    programs.set("litellm", await startProgram(0, args, litellmEnv, { port: litellmPort, command: beside.litellm }));
  }
  const headers: Readonly<Record<Name, Readonly<Record<string, string>>>> = {
    direct: {},
    pipe: {},
    ours: { authorization: "Bearer bench" },
    portkey: {
      authorization: "Bearer bench",
      "x-portkey-provider": "openai",
      "x-portkey-custom-host": `http://127.0.0.1:${upstream.port}/v1`,
    },
    router: { authorization: "Bearer bench" },
    litellm: {},
  };
  const models: Partial<Record<Name, string>> = { ours: "switchyard/auto", router: "up,mock" };
  const target = (name: Name, { port }: Program): Target => ({
    name,
    port,
    path: name === "router" ? "/v1/messages" : "/v1/chat/completions",
    headers: headers[name],
    model: models[name] ?? "mock",
  });
  const targets = new Map<Name, Target>([
    ["direct", target("direct", upstream)],
    ...[...programs].map(([name, program]): [Name, Target] => [name, target(name, program)]),
  ]);
  return { upstream, programs, targets, service, portkey };
}
