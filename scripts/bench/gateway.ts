// The service beside a bare pipe and Portkey's gateway, in one run and in turns: ratios, since absolute figures change
// from hour to hour. Model server and client have one core, what is measured the other.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { root } from "../run.ts";
import type { Target } from "./gateway/connection.ts";
import { measureEnds } from "./gateway/ends.ts";
import { ensurePortkey } from "./gateway/peers.ts";
import { type Program, runJob, startProgram, startTool } from "./gateway/programs.ts";
import { measureRounds } from "./gateway/rounds.ts";
import { measureStreams } from "./gateway/streams.ts";
import type { Row } from "./measure.ts";

export type Name = "direct" | "pipe" | "ours" | "portkey";

export interface Rig {
  readonly upstream: Program;
  readonly programs: ReadonlyMap<Name, Program>;
  readonly targets: ReadonlyMap<Name, Target>;
  readonly service: string;
  readonly portkey: string | undefined;
}

export const portkeyPort = 18_787;

export async function measureGateway(): Promise<readonly Row[]> {
  const service = await buildService();
  const portkey = await ensurePortkey().catch((error: unknown) => void console.log(String(error)));
  const before = await calibrate();
  const rig = await startRig(service, portkey);
  try {
    const rows = [...(await measureRounds(rig)), ...(await measureStreams(rig)), ...(await measureEnds(rig))];
    const after = await calibrate();
    const drift = Math.abs(after / before - 1);
    if (drift > 0.3) console.log(`The machine changed by ${Math.round(drift * 100)} % meanwhile: measure again.`);
    return rows;
  } finally {
    for (const program of [rig.upstream, ...rig.programs.values()]) program.child.kill("SIGKILL");
  }
}

/** Always the same work, ms. */
const calibrate = async () => (await runJob({ kind: "calibrate" })).ms;

async function buildService(): Promise<string> {
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

async function startRig(service: string, portkey: string | undefined): Promise<Rig> {
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
  const headers: Readonly<Record<Name, Readonly<Record<string, string>>>> = {
    direct: {},
    pipe: {},
    ours: { authorization: "Bearer bench" },
    portkey: {
      authorization: "Bearer bench",
      "x-portkey-provider": "openai",
      "x-portkey-custom-host": `http://127.0.0.1:${upstream.port}/v1`,
    },
  };
  const target = (name: Name, { port }: Program): Target => ({
    name,
    port,
    path: "/v1/chat/completions",
    headers: headers[name],
    model: name === "ours" ? "switchyard/auto" : "mock",
  });
  const targets = new Map<Name, Target>([
    ["direct", target("direct", upstream)],
    ...[...programs].map(([name, program]): [Name, Target] => [name, target(name, program)]),
  ]);
  return { upstream, programs, targets, service, portkey };
}
