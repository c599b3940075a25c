// One container: what it is made of, and what it is doing.
import type Docker from "dockerode";
import type { ServiceState, ServiceStatus } from "../core/services.ts";
import type { ServiceSpec, Stack } from "./service-spec.ts";
import { containerName, labels, labelsOf } from "./stack.ts";

const nanoseconds = 1e9;
const mebibyte = 2 ** 20;
const loopback = "127.0.0.1";

/** @param port of this machine that it is published on @param contents hash of its files' contents */
export function createOptions(
  stack: Stack,
  service: ServiceSpec,
  port: number,
  contents: string,
): Docker.ContainerCreateOptions {
  const { health } = service;
  const inside = `${service.port.container}/tcp`;
  return {
    name: containerName(stack, service),
    Image: service.image,
    ...(service.command ? { Cmd: [...service.command] } : {}),
    ...(service.user ? { User: service.user } : {}),
    Env: Object.entries(service.environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...labelsOf(stack, service, contents) },
    ...(service.stopSeconds === undefined ? {} : { StopTimeout: service.stopSeconds }),
    ExposedPorts: { [inside]: {} },
    Healthcheck: {
      Test: [...health.test],
      Interval: health.intervalSeconds * nanoseconds,
      Timeout: health.timeoutSeconds * nanoseconds,
      Retries: health.retries,
      StartPeriod: health.startSeconds * nanoseconds,
    },
    HostConfig: {
      PortBindings: { [inside]: [{ HostIp: loopback, HostPort: String(port) }] },
      Mounts: service.volumes.map(({ name, target }) => ({ Type: "volume", Source: name, Target: target })),
      RestartPolicy: { Name: "unless-stopped" },
      Memory: service.memoryMiB * mebibyte,
      ReadonlyRootfs: service.isReadOnly,
      Tmpfs: Object.fromEntries(service.scratch.map((folder) => [folder, ""])),
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      NetworkMode: stack.network,
      ...(service.callsHost ? { ExtraHosts: ["host.docker.internal:host-gateway"] } : {}),
      // Without a limit what a container prints fills the disk in time.
      LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
      Devices: service.devices.map((path) => ({ PathOnHost: path, PathInContainer: path, CgroupPermissions: "rwm" })),
      ...(service.usesNvidia ? { DeviceRequests: [{ Driver: "nvidia", Count: -1, Capabilities: [["gpu"]] }] } : {}),
    },
    NetworkingConfig: {
      EndpointsConfig: { [stack.network]: { Aliases: [service.name, ...(service.alias ? [service.alias] : [])] } },
    },
  };
}

export function stateOf({ State: state }: Docker.ContainerInspectInfo): ServiceState {
  if (state.Paused) return "paused";
  if (state.Restarting) return "restarting";
  if (!state.Running) return "stopped";
  const health = state.Health?.Status;
  return health === "healthy" || health === "unhealthy" ? health : "starting";
}

export function statusOfContainer(container: Docker.ContainerInspectInfo): ServiceStatus {
  const bound = Object.values(container.NetworkSettings.Ports ?? {}).flatMap((bindings) => bindings ?? []);
  const name = container.Config.Labels[labels.service] ?? "";
  const port = bound[0]?.HostPort;
  return {
    name,
    container: container.Name.replace(/^\//, ""),
    image: container.Config.Image,
    state: stateOf(container),
    ...(port ? { address: addressOf(name, Number(port)) } : {}),
    exposedOn: bound
      .filter(({ HostIp: ip }) => ip !== loopback && ip !== "::1")
      .map(({ HostIp: ip, HostPort: on }) => `${ip || "0.0.0.0"}:${on}`),
    ...(container.State.Running ? {} : { exitCode: container.State.ExitCode }),
    ...(container.State.OOMKilled ? { wasOutOfMemory: true } : {}),
  };
}

/** The port it is to be published on, also while it is stopped. */
export function publishedPort(container: Docker.ContainerInspectInfo): number | undefined {
  const bindings: unknown = container.HostConfig.PortBindings;
  const first: unknown =
    typeof bindings === "object" && bindings !== null ? Object.values(bindings)[0]?.[0] : undefined;
  const port = typeof first === "object" && first !== null && "HostPort" in first ? Number(first.HostPort) : Number.NaN;
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

export function addressOf(service: string, port: number): string {
  return `${service === "redis" ? "redis" : "http"}://${loopback}:${port}`;
}
