// The stack as a Compose file, for those who start it without the editor.
import { posix } from "node:path";
import type { FileSpec, ServiceSpec, Stack } from "./service-spec.ts";
import { containerName, labelsOf } from "./stack.ts";

const writtenBy = "# Written by `node scripts/compose.ts` from src/containers/stack.ts. Change it there.";

/** @returns YAML; `docker compose -f <file> up -d` starts what `up` does, apart from moving taken ports */
export function composeFile(stack: Stack): string {
  const volumes = new Set(stack.services.flatMap((service) => service.volumes.map(({ name }) => name)));
  const secrets = new Set(stack.services.flatMap((service) => secretsOf(service).map(({ source }) => source)));
  return [
    writtenBy,
    "# Profiles: none has the models and the cache; COMPOSE_PROFILES=team adds figures, the dashboard and the proxy. They",
    "# need `npm run build`, and two secrets that nobody else knows, here, in a folder that only you can enter:",
    "#   mkdir -m 700 -p secrets",
    "#   for each in proxy-token grafana-password; do openssl rand -hex 24 > secrets/$each; chmod 644 secrets/$each; done",
    "services:",
    ...stack.services.flatMap((service) => serviceLines(stack, service)),
    "networks:",
    "  default:",
    `    name: ${stack.network}`,
    "volumes:",
    ...[...volumes].flatMap((name) => [`  ${name}:`, `    name: ${name}`]),
    "secrets:",
    ...[...secrets].flatMap((name) => [`  ${name}:`, `    file: ./secrets/${name}`]),
    "",
  ].join("\n");
}

/** Laid over one of the others: started with the machine, a share of its processors, and no more than that. */
export function productionFile(stack: Stack): string {
  const lines = (service: ServiceSpec) => [
    `  ${service.name}:`,
    "    restart: always",
    `    mem_reservation: ${Math.floor(service.memoryMiB / 2)}m`,
    `    memswap_limit: ${service.memoryMiB}m`,
    ...(service.name === "ollama" ? [] : ['    cpus: "1"']),
    "    pids_limit: 512",
    `    stop_grace_period: ${service.stopSeconds ?? 15}s`,
    "    logging:",
    "      driver: json-file",
    '      options: { max-size: "50m", max-file: "5", compress: "true" }',
  ];
  return [
    writtenBy,
    "# docker compose -f compose.nvidia.yaml -f compose.production.yaml up -d",
    "services:",
    ...stack.services.flatMap(lines),
    "",
  ].join("\n");
}

function serviceLines(stack: Stack, service: ServiceSpec): readonly string[] {
  const { health, port } = service;
  const mounts = [
    ...service.volumes.map(({ name, target }) => `${name}:${target}`),
    ...service.files.flatMap(boundFile),
  ];
  const lines = [
    `image: ${service.image}`,
    ...(service.isBuilt ? ["build: { context: ../.., dockerfile: deploy/proxy/Dockerfile }"] : []),
    ...(service.profile === "core" ? [] : [`profiles: ${list(["monitoring", "team"])}`]),
    `container_name: ${containerName(stack, service)}`,
    ...(service.command ? [`command: ${list(service.command)}`] : []),
    ...(service.user ? [`user: ${quote(service.user)}`] : []),
    ...map("environment", service.environment),
    `ports: ${list([`127.0.0.1:${port.host}:${port.container}`])}`,
    `volumes: ${list(mounts)}`,
    ...secretLines(service),
    ...(service.callsHost ? [`extra_hosts: ${list(["host.docker.internal:host-gateway"])}`] : []),
    "healthcheck:",
    `  test: ${list(health.test)}`,
    `  interval: ${health.intervalSeconds}s`,
    `  timeout: ${health.timeoutSeconds}s`,
    `  retries: ${health.retries}`,
    `  start_period: ${health.startSeconds}s`,
    ...(service.stopSeconds === undefined ? [] : [`stop_grace_period: ${service.stopSeconds}s`]),
    "restart: unless-stopped",
    `mem_limit: ${service.memoryMiB}m`,
    `read_only: ${service.isReadOnly}`,
    `tmpfs: ${list(service.scratch)}`,
    `cap_drop: ${list(["ALL"])}`,
    `security_opt: ${list(["no-new-privileges:true"])}`,
    'logging: { driver: json-file, options: { max-size: "10m", max-file: "3" } }',
    ...(service.devices.length > 0 ? [`devices: ${list(service.devices.map((each) => `${each}:${each}`))}`] : []),
    ...(service.usesNvidia ? nvidiaLines : []),
    ...map("labels", labelsOf(stack, service)),
  ];
  return [`  ${service.name}:`, ...lines.map((line) => `    ${line}`)];
}

/** Not as files that are bound: of one that is missing the engine would make a folder. */
function secretsOf({ files }: ServiceSpec): readonly { readonly source: string; readonly target: string }[] {
  return files.flatMap(({ from, target }) => (from.kind === "secret" ? [{ source: from.name, target }] : []));
}

function secretLines(service: ServiceSpec): readonly string[] {
  const secrets = secretsOf(service);
  if (secrets.length === 0) return [];
  return ["secrets:", ...secrets.map(({ source, target }) => `  - { source: ${source}, target: ${quote(target)} }`)];
}

/** From this machine; paths begin in the folder of the Compose files. */
function boundFile({ from, target }: FileSpec): readonly string[] {
  if (from.kind === "secret") return [];
  if (from.kind === "host") return [`${from.path}:${target}:ro`];
  const path = posix.relative("compose", from.path);
  return [`${path.startsWith(".") ? path : `./${path}`}:${target}:ro`];
}

const nvidiaLines = [
  "deploy:",
  "  resources:",
  "    reservations:",
  "      devices:",
  '        - { driver: nvidia, count: all, capabilities: ["gpu"] }',
];

function map(key: string, values: Readonly<Record<string, string>>): readonly string[] {
  const entries = Object.entries(values);
  return entries.length === 0 ? [] : [`${key}:`, ...entries.map(([name, value]) => `  ${name}: ${quote(value)}`)];
}

// JSON's texts are YAML's, and a dollar is Compose's sign for a variable.
const quote = (text: string) => JSON.stringify(text).replaceAll("$", "$$$$");
const list = (items: readonly string[]) => `[${items.map(quote).join(", ")}]`;
