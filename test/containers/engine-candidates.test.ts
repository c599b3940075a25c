import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { engineCandidates, type Surroundings } from "../../src/containers/engine-candidates.ts";

const idOf = (context: string) => createHash("sha256").update(context).digest("hex");
const meta = (host: string) => JSON.stringify({ Name: "x", Metadata: {}, Endpoints: { docker: { Host: host } } });

function machine(
  platform: NodeJS.Platform,
  env: Surroundings["env"],
  files: Readonly<Record<string, string>> = {},
): Surroundings {
  const listFolder = (folder: string) => [
    ...new Set(
      Object.keys(files).flatMap((path) =>
        path.startsWith(`${folder}/`)
          ? path
              .slice(folder.length + 1)
              .split("/")
              .slice(0, 1)
          : [],
      ),
    ),
  ];
  return { platform, env, home: "/home/ana", userId: 1000, readFile: (path) => files[path], listFolder };
}
const addresses = (around: Surroundings, configured = "") =>
  engineCandidates(configured, around).map(({ source, address }) => `${source}: ${address}`);

describe("where an engine may be", () => {
  it("is what the person configured and nowhere else", () => {
    const around = machine("linux", { DOCKER_HOST: "tcp://10.0.0.1:2375" });
    expect(addresses(around, "unix:///own.sock")).toEqual(["SWITCHYARD_DOCKER_HOST: unix:///own.sock"]);
  });

  it("on Linux is DOCKER_HOST, the system's engine, a rootless one, desktops, Podman, each once", () => {
    const around = machine("linux", { DOCKER_HOST: "tcp://127.0.0.1:2375", XDG_RUNTIME_DIR: "/run/user/1000" });
    expect(addresses(around)).toEqual([
      "DOCKER_HOST: tcp://127.0.0.1:2375",
      "context default: unix:///var/run/docker.sock",
      "rootless Docker: unix:///run/user/1000/docker.sock",
      "Docker Desktop: unix:///home/ana/.docker/run/docker.sock",
      "Docker Desktop: unix:///home/ana/.docker/desktop/docker.sock",
      "Colima: unix:///home/ana/.colima/default/docker.sock",
      "Colima: unix:///home/ana/.config/colima/default/docker.sock",
      "Rancher Desktop: unix:///home/ana/.rd/docker.sock",
      "Lima: unix:///home/ana/.lima/docker/sock/docker.sock",
      "Podman: unix:///run/user/1000/podman/podman.sock",
      "Podman: unix:///run/podman/podman.sock",
    ]);
  });

  it("on Linux is the rootless one also where the session does not say its folder", () => {
    const found = addresses(machine("linux", {}));
    expect(found).toContain("rootless Docker: unix:///run/user/1000/docker.sock");
    expect(found).toContain("Podman: unix:///run/user/1000/podman/podman.sock");
    expect(addresses({ ...machine("linux", {}), userId: undefined }).join()).not.toContain("/run/user");
  });

  it("is each machine of Colima, the usual one first, wherever it keeps them", () => {
    const socket = (name: string) => [`/home/ana/.colima/${name}/docker.sock`, ""] as const;
    const files = Object.fromEntries(["x86", "default", "_lima", "_store"].map(socket));
    const colima = (env: Surroundings["env"]) =>
      addresses(machine("darwin", env, files)).filter((each) => each.startsWith("Colima"));
    expect(colima({})).toEqual([
      "Colima: unix:///home/ana/.colima/default/docker.sock",
      "Colima: unix:///home/ana/.colima/x86/docker.sock",
      "Colima: unix:///home/ana/.config/colima/default/docker.sock",
    ]);
    expect(colima({ COLIMA_HOME: "/own" })[0]).toBe("Colima: unix:///own/default/docker.sock");
  });

  it("on macOS starts with the current context, as Colima sets it", () => {
    const around = machine(
      "darwin",
      {},
      {
        "/home/ana/.docker/config.json": JSON.stringify({ auths: {}, currentContext: "colima" }),
        [`/home/ana/.docker/contexts/meta/${idOf("colima")}/meta.json`]: meta(
          "unix:///home/ana/.colima/default/docker.sock",
        ),
      },
    );
    const found = addresses(around);
    expect(found[0]).toBe("context colima: unix:///home/ana/.colima/default/docker.sock");
    expect(found.filter((each) => each.includes(".colima/default"))).toHaveLength(1);
    expect(found).toContain("OrbStack: unix:///home/ana/.orbstack/run/docker.sock");
  });

  it("on Windows is Docker Desktop's pipe of the context, then the known pipes", () => {
    const around = machine(
      "win32",
      {},
      {
        "/home/ana/.docker/config.json": JSON.stringify({ currentContext: "desktop-linux" }),
        [`/home/ana/.docker/contexts/meta/${idOf("desktop-linux")}/meta.json`]: meta(
          "npipe:////./pipe/dockerDesktopLinuxEngine",
        ),
      },
    );
    const found = engineCandidates("", around);
    expect(found.map(({ address }) => address)).toEqual([
      "npipe:////./pipe/dockerDesktopLinuxEngine",
      "npipe:////./pipe/docker_engine",
      "npipe:////./pipe/podman-machine-default",
    ]);
    expect(found[0]?.connection).toEqual({ kind: "socket", path: "//./pipe/dockerDesktopLinuxEngine" });
  });

  it("is the context of DOCKER_CONTEXT and the folder of DOCKER_CONFIG where they are set", () => {
    const around = machine(
      "linux",
      { DOCKER_CONTEXT: "box", DOCKER_CONFIG: "/etc/dock" },
      {
        "/etc/dock/config.json": JSON.stringify({ currentContext: "other" }),
        [`/etc/dock/contexts/meta/${idOf("box")}/meta.json`]: meta("tcp://box:2376"),
        [`/etc/dock/contexts/tls/${idOf("box")}/docker/ca.pem`]: "x",
      },
    );
    expect(engineCandidates("", around)[0]).toEqual({
      source: "context box",
      address: "tcp://box:2376",
      connection: { kind: "tcp", host: "box", port: 2376, tlsFolder: `/etc/dock/contexts/tls/${idOf("box")}/docker` },
    });
  });

  it.each([
    ["ssh://ana@box", { kind: "unusable", why: "ssh" }],
    ["fd://x", { kind: "unusable", why: "malformed" }],
    ["tcp://", { kind: "unusable", why: "malformed" }],
    ["127.0.0.1:4243", { kind: "tcp", host: "127.0.0.1", port: 4243 }],
    ["tcp://[::1]:2375", { kind: "tcp", host: "::1", port: 2375 }],
    ["unix://", { kind: "socket", path: "/var/run/docker.sock" }],
  ])("reads %s as DOCKER_HOST may say it", (address, connection) => {
    expect(engineCandidates("", machine("linux", { DOCKER_HOST: address }))[0]?.connection).toEqual(connection);
  });

  it("goes on where the context is gone or its file is broken, and says so", () => {
    const config = { "/home/ana/.docker/config.json": JSON.stringify({ currentContext: "gone" }) };
    const [first, ...others] = engineCandidates("", machine("linux", {}, config));
    expect(first).toMatchObject({ source: "context gone", connection: { kind: "unusable" } });
    expect(others.map(({ address }) => address)).toContain("unix:///var/run/docker.sock");
    const broken = engineCandidates("", machine("linux", {}, { "/home/ana/.docker/config.json": "{" }));
    expect(broken[0]?.address).toBe("unix:///var/run/docker.sock");
  });
});
