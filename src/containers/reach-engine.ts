// The engine that containers are on: looked for, opened, and whether it is of this machine.
import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { type Engine, openEngine } from "./engine.ts";
import type { Surroundings } from "./engine-candidates.ts";
import { findEngine } from "./find-engine.ts";
import { noEngine } from "./no-engine.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export function reachEngine(env: Environment, platform: NodeJS.Platform) {
  const around: Surroundings = {
    platform,
    env,
    home: env["HOME"] ?? env["USERPROFILE"] ?? homedir(),
    userId: process.getuid?.(),
    readFile,
    listFolder,
  };
  const search = (signal: AbortSignal) => findEngine(env["SWITCHYARD_DOCKER_HOST"] ?? "", around, signal);
  const connect = async (signal: AbortSignal): Promise<Engine> => {
    const { engine, tried } = await search(signal);
    if (!engine) throw noEngine(tried, env);
    return openEngine(engine, tried);
  };
  return {
    search,
    connect,
    /** @throws TaskError `bad-input` where the engine is one of another machine: its ports are there */
    async connectHere(signal: AbortSignal): Promise<Engine> {
      const engine = await connect(signal);
      if (engine.found.isLocal) return engine;
      throw remoteEngine(engine);
    },
  };
}

function remoteEngine({ found }: Engine): TaskError {
  return new TaskError(
    "bad-input",
    msg(
      "The Docker engine at {0} is on another machine, whose ports cannot be reached safely. Run this there.",
      found.address,
    ),
  );
}

/** Of those in it that are folders, or lead to one. */
function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((each) => (each.isFile() ? [] : [each.name]));
  } catch {
    return [];
  }
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
