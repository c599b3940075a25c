// Where a Docker engine may listen. Programs that speak to it directly are not told by the `docker` program.

import { createHash } from "node:crypto";
import { posix } from "node:path";
import * as z from "zod/mini";
import { withoutCredentials } from "../core/addresses.ts";
import { parseJson } from "../core/parse-json.ts";

/** How an engine is spoken to. */
export type Connection =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tlsFolder?: string }
  /** Given by the person, and we cannot speak it. */
  | { readonly kind: "unusable"; readonly why: "ssh" | "malformed" };

export interface Candidate {
  /** Who says so: `SWITCHYARD_DOCKER_HOST`, `DOCKER_HOST`, `context desktop-linux`, `Colima`. */
  readonly source: string;
  /** As people write it: `unix:///var/run/docker.sock`. */
  readonly address: string;
  readonly connection: Connection;
}

/** The machine as far as it matters here; recorded ones stand in for other systems. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined where it cannot be read. */
  readonly readFile: (path: string) => string | undefined;
  /** Names of what is in a folder; empty where it cannot be read. */
  readonly listFolder: (path: string) => readonly string[];
  /** Of the account that this runs as; undefined where the system has none. */
  readonly userId: number | undefined;
}

const defaultSocket = "/var/run/docker.sock";
const defaultPipe = "//./pipe/docker_engine";
const configSchema = z.object({ currentContext: z.optional(z.string()) });
const contextSchema = z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) });

/**
 * In the order they are to be tried, each address once. What the person configured stands alone: containers must not
 * start somewhere else because that engine is down.
 */
export function engineCandidates(configured: string, around: Surroundings): readonly Candidate[] {
  if (configured !== "") return [candidate("SWITCHYARD_DOCKER_HOST", configured, tlsFromEnv(around))];
  const dockerHost = around.env["DOCKER_HOST"] ?? "";
  const listed = [
    ...(dockerHost === "" ? [] : [candidate("DOCKER_HOST", dockerHost, tlsFromEnv(around))]),
    contextCandidate(around),
    ...knownPlaces(around).map(([source, address]) => candidate(source, address)),
  ];
  const seen = new Set<string>();
  return listed.filter(({ address }) => !seen.has(address) && seen.add(address));
}

/** The context that `docker` would use; its `default` is the system's own engine. */
function contextCandidate(around: Surroundings): Candidate {
  const folder = around.env["DOCKER_CONFIG"] || posix.join(around.home, ".docker");
  const config = configSchema.safeParse(parseJson(around.readFile(posix.join(folder, "config.json"))));
  const name = around.env["DOCKER_CONTEXT"] || (config.success ? (config.data.currentContext ?? "") : "");
  const system = around.platform === "win32" ? `npipe://${defaultPipe}` : `unix://${defaultSocket}`;
  if (name === "" || name === "default") return candidate("context default", system);
  // Folders of contexts are named by the hash of their names.
  const id = createHash("sha256").update(name).digest("hex");
  const meta = contextSchema.safeParse(
    parseJson(around.readFile(posix.join(folder, "contexts", "meta", id, "meta.json"))),
  );
  if (!meta.success)
    return { source: `context ${name}`, address: name, connection: { kind: "unusable", why: "malformed" } };
  const tlsFolder = posix.join(folder, "contexts", "tls", id, "docker");
  const hasTls = around.readFile(posix.join(tlsFolder, "ca.pem")) !== undefined;
  return candidate(`context ${name}`, meta.data.Endpoints.docker.Host, hasTls ? tlsFolder : undefined);
}

type Place = readonly [source: string, address: string];

function knownPlaces(around: Surroundings): readonly Place[] {
  const { platform, home, env } = around;
  if (platform === "win32") {
    return [
      ["Docker Desktop", "npipe:////./pipe/dockerDesktopLinuxEngine"],
      ["Docker", `npipe://${defaultPipe}`],
      ["Podman", "npipe:////./pipe/podman-machine-default"],
    ];
  }
  const shared: readonly Place[] = [
    ["Docker Desktop", at(home, ".docker", "run", "docker.sock")],
    ["Docker Desktop", at(home, ".docker", "desktop", "docker.sock")],
    ...colimaPlaces(around),
    ["Rancher Desktop", at(home, ".rd", "docker.sock")],
    ["Lima", at(env["LIMA_HOME"] || posix.join(home, ".lima"), "docker", "sock", "docker.sock")],
  ];
  if (platform === "darwin") {
    return [
      ...shared,
      ["OrbStack", at(home, ".orbstack", "run", "docker.sock")],
      ["Podman", at(home, ".local", "share", "containers", "podman", "machine", "podman.sock")],
      ...(env["TMPDIR"] ? [["Podman", at(env["TMPDIR"], "podman", "podman-machine-default-api.sock")] as const] : []),
      ["Docker", `unix://${defaultSocket}`],
    ];
  }
  const runtime = runtimeFolder(around);
  return [
    ...(runtime === "" ? [] : [["rootless Docker", at(runtime, "docker.sock")] as const]),
    ...shared,
    ...(runtime === "" ? [] : [["Podman", at(runtime, "podman", "podman.sock")] as const]),
    ["Podman", "unix:///run/podman/podman.sock"],
    ["Docker", `unix://${defaultSocket}`],
  ];
}

const at = (...parts: readonly string[]) => `unix://${posix.join(...parts)}`;

/** Each of its machines has a folder; the usual one first. */
function colimaPlaces({ home, env, listFolder }: Surroundings): readonly Place[] {
  const folders = [env["COLIMA_HOME"] || posix.join(home, ".colima"), posix.join(home, ".config", "colima")];
  return folders.flatMap((folder) => {
    // What begins so is its own, and no machine.
    const others = listFolder(folder).filter((name) => name !== "default" && !/^[_.]/.test(name));
    return ["default", ...others].map((name) => ["Colima", at(folder, name, "docker.sock")] as const);
  });
}

/** Where the session was not begun as usual (ssh, su, a job), its variable is not set, and the folder is there all the same. */
function runtimeFolder({ env, userId }: Surroundings): string {
  return env["XDG_RUNTIME_DIR"] || (userId ? `/run/user/${userId}` : "");
}

function candidate(source: string, address: string, tlsFolder?: string): Candidate {
  return { source, address: withoutCredentials(address), connection: connectionOf(address, tlsFolder) };
}

/** What `DOCKER_HOST` and contexts may say; a bare `host:port` is TCP. */
function connectionOf(address: string, tlsFolder: string | undefined): Connection {
  const [, scheme = "tcp", rest = ""] = /^(?:(\w+):\/\/)?(.*)$/.exec(address) ?? [];
  if (scheme === "unix") return { kind: "socket", path: rest || defaultSocket };
  if (scheme === "npipe") return { kind: "socket", path: rest || defaultPipe };
  if (scheme === "ssh") return { kind: "unusable", why: "ssh" };
  const url = URL.parse(`http://${rest}`);
  if (!["tcp", "http", "https"].includes(scheme) || !url || url.hostname === "") {
    return { kind: "unusable", why: "malformed" };
  }
  const isTls = scheme === "https" || url.port === "2376" || tlsFolder !== undefined;
  const port = Number(url.port) || (isTls ? 2376 : 2375);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { kind: "tcp", host, port, ...(isTls ? { tlsFolder: tlsFolder ?? "" } : {}) };
}

function tlsFromEnv({ env, home }: Surroundings): string | undefined {
  if (env["DOCKER_CERT_PATH"]) return env["DOCKER_CERT_PATH"];
  return env["DOCKER_TLS_VERIFY"] ? posix.join(home, ".docker") : undefined;
}
