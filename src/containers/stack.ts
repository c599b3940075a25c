// What the stack consists of, said once: `up` makes it through the engine, and the Compose files are written from it.
import { createHash } from "node:crypto";
import type { ServiceProfile } from "../core/services.ts";
import type { ServiceSpec, Stack, StackChoice } from "./service-spec.ts";
import { ollama, redis } from "./stack-core.ts";
import { grafana, prometheus } from "./stack-monitoring.ts";
import { proxy } from "./stack-proxy.ts";

export const defaultChoice: StackChoice = {
  name: "switchyard",
  variant: "cpu",
  modelMemoryMiB: 8192,
  ports: { ollama: 11434, redis: 6379, prometheus: 9090, grafana: 3000, "local-llm-proxy": 8000 },
};

const stackLabel = "dev.switchyard.stack";
const serviceLabel = "dev.switchyard.service";
const hashLabel = "dev.switchyard.config";
const profileLabel = "dev.switchyard.profile";
export const labels = { stack: stackLabel, service: serviceLabel, hash: hashLabel, profile: profileLabel } as const;

export const profiles: readonly ServiceProfile[] = ["core", "monitoring", "team"];

/** Every service of every profile. */
export function describeStack(choice: StackChoice): Stack {
  const more = Array.from({ length: choice.replicas ?? 0 }, (_, index) => ollama(choice, index + 2));
  const services = [ollama(choice, 1), ...more, redis(choice), prometheus(choice), grafana(choice), proxy(choice)];
  return { name: choice.name, network: choice.name, services };
}

export const containerName = (stack: Pick<Stack, "name">, service: Pick<ServiceSpec, "name" | "container">): string =>
  service.container ?? `${stack.name}-${service.name}`;

/** Where a service says that it can work, which its front page does not always. */
export function readyPath(service: string): string {
  return { prometheus: "/-/ready", grafana: "/api/health", "local-llm-proxy": "/health" }[service] ?? "";
}

/** Changes when the container has to be made anew. @param contents hash of its files' contents */
export function configHash(service: ServiceSpec, contents = ""): string {
  return createHash("sha256")
    .update(JSON.stringify(service) + contents)
    .digest("hex")
    .slice(0, 16);
}

/** By these our containers are known; others are never touched. */
export function labelsOf(stack: Stack, service: ServiceSpec, contents = ""): Readonly<Record<string, string>> {
  return {
    [stackLabel]: stack.name,
    [serviceLabel]: service.name,
    [profileLabel]: service.profile,
    [hashLabel]: configHash(service, contents),
  };
}
