// Why no engine can be used here, and what to do.
import { existsSync } from "node:fs";
import { msg } from "../core/message.ts";
import type { TriedEngine } from "../core/services.ts";
import { TaskError } from "../core/task-error.ts";
import type { Finding } from "./finding.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** With why, and what to do. */
export function noEngine(tried: readonly TriedEngine[], env: Env): TaskError {
  const { what, repair } = withoutEngine(tried, env, existsSync);
  return new TaskError("server-unreachable", msg("{0} {1}", what, repair), { details: { isEngineAway: true } });
}

/** @param exists whether there is such a file, which tells where this program runs */
export function withoutEngine(tried: readonly TriedEngine[], env: Env, exists: (path: string) => boolean): Finding {
  const evidence = tried.map(({ source, address, outcome }) => msg("{0}, {1}: {2}", source, address, outcome));
  const has = (answer: TriedEngine["answer"]) => tried.some((each) => each.answer === answer);
  const common = { severity: "problem", evidence, canRepair: false } as const;
  if (has("no-permission")) {
    return {
      ...common,
      id: "engine-no-permission",
      what: msg("A Docker engine is there, and this account may not use it."),
      repair: msg("Add your account to the group “docker” and log in again: sudo usermod -aG docker $USER"),
    };
  }
  if (has("stopped")) {
    return {
      ...common,
      id: "engine-stopped",
      what: msg("The Docker engine is stopped."),
      repair: msg("Start Docker Desktop, or on Linux: sudo systemctl start docker"),
    };
  }
  return {
    ...common,
    id: "engine-missing",
    what: msg("No Docker engine was found."),
    repair: howToGetOne(env, exists),
  };
}

function howToGetOne(env: Env, exists: (path: string) => boolean) {
  if (env["WSL_DISTRO_NAME"]) {
    return msg(
      "This is WSL ({0}). In Docker Desktop turn on Settings, Resources, WSL Integration for it, or install Docker in it.",
      env["WSL_DISTRO_NAME"],
    );
  }
  if (exists("/.dockerenv") || exists("/run/.containerenv")) {
    return msg("This runs inside a container, to which no engine was given. Mount its socket: /var/run/docker.sock");
  }
  if (env["SSH_CONNECTION"] || env["VSCODE_AGENT_FOLDER"]) {
    return msg("This is a remote machine: the engine has to run here, not where the editor's window is.");
  }
  return msg("Install Docker, Podman or Colima. Without them the built-in engine and a native Ollama work as well.");
}
