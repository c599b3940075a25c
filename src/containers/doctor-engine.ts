// What is wrong with the engine itself, or with the way to it.
import { msg } from "../core/message.ts";
import type { TriedEngine } from "../core/services.ts";
import { call, type Engine } from "./engine.ts";
import type { Finding } from "./finding.ts";
import type { ServiceTools } from "./service-tools.ts";

type Env = Readonly<Record<string, string | undefined>>;

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

/** A virtual machine's clock stands still while its host sleeps. */
const clockLimitMs = 30_000;

export async function checkEngine(
  engine: Engine,
  { nowMs, search }: Pick<ServiceTools, "nowMs" | "search">,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { found, docker } = engine;
  const { tried } = await search(signal);
  const before = nowMs();
  const { SystemTime: said } = (await call(docker.info(), signal)) as { readonly SystemTime?: string };
  const offMs = said ? Date.parse(said) - (before + nowMs()) / 2 : 0;
  return [
    ...otherContext(tried, found.source),
    ...(found.isLocal ? [] : [remote(found.address)]),
    ...(Math.abs(offMs) > clockLimitMs ? [clockOff(offMs)] : []),
  ];
}

/** What the person chose does not answer, and another engine does: its containers are others. */
function otherContext(tried: readonly TriedEngine[], source: string): readonly Finding[] {
  const first = tried[0];
  if (!first || first.source === source || first.answer === "engine") return [];
  const isChosen = first.source === "DOCKER_HOST" || /^context (?!default$)/.test(first.source);
  if (!isChosen) return [];
  return [
    {
      id: "other-context",
      severity: "warning",
      what: msg("The engine that you chose does not answer; another one is used: {0}.", source),
      evidence: tried.map(({ source: who, address, outcome }) => msg("{0}, {1}: {2}", who, address, outcome)),
      repair: msg("Start the chosen engine, or choose the other one: docker context use default, unset DOCKER_HOST"),
      canRepair: false,
    },
  ];
}

function remote(address: string): Finding {
  return {
    id: "engine-remote",
    severity: "problem",
    what: msg("The Docker engine is on another machine, and its ports with it."),
    evidence: [msg("The engine answers at {0}", address)],
    repair: msg("Use an engine of this machine, or run Switchyard on that one."),
    canRepair: false,
  };
}

function clockOff(offMs: number): Finding {
  return {
    id: "clock-off",
    severity: "problem",
    what: msg("The engine's clock is wrong: certificates and tokens are taken for expired, or for not yet valid."),
    evidence: [msg("It differs from this machine's by {0} s", Math.round(offMs / 1000))],
    repair: msg("Restart the engine's machine (Docker Desktop: Restart; WSL: wsl --shutdown), or set the time there."),
    canRepair: false,
  };
}
