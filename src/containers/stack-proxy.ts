// The service for other programs as a container, and the image it is made from.

import type { ServiceSpec, StackChoice } from "./service-spec.ts";
import { modelSlots } from "./stack-core.ts";

export const nodeImage = "node:24.21.0-alpine";
const nodeAccount = 1000;
const home = "/home/node/switchyard";
const port = 8000;

const modelServers = "http://ollama:11434";
/** The other containers, and the model server of the same machine: no text leaves for them. */
const ownHosts = ["ollama:11434", "host.docker.internal:11434", "redis:6379"];
/** What its command line reads as settings: the other containers are as good as this machine. */
const settings = {
  engine: "ollama",
  ollamaUrl: modelServers,
  redisUrl: "redis://redis:6379",
  trustedHosts: ownHosts,
};

/** Of the model servers that are started later each has the name as well; a server of the person's own has not. */
const inStack = { ...settings, nodes: [{ url: modelServers, slots: modelSlots }] };

export function proxy({ name, ports, ollamaUrl, proxyTag }: StackChoice): ServiceSpec {
  const service = "local-llm-proxy";
  const ask = `fetch("http://127.0.0.1:${port}/health").then((said) => process.exit(said.ok ? 0 : 1), () => process.exit(1))`;
  return {
    name: service,
    container: name === "switchyard" ? service : `${name}-${service}`,
    profile: "team",
    image: `switchyard/${service}:${proxyTag ?? "local"}`,
    isBuilt: true,
    command: ["serve", "--host", "0.0.0.0", "--port", String(port)],
    user: `${nodeAccount}:${nodeAccount}`,
    environment: {
      SWITCHYARD_HOME: home,
      SWITCHYARD_OWN_HOSTS: ownHosts.join(" "),
      ...(ollamaUrl ? { SWITCHYARD_OLLAMA_URL: ollamaUrl } : {}),
    },
    port: { host: ports[service], container: port },
    volumes: [{ name: `${name}-proxy`, target: "/home/node" }],
    files: [
      {
        target: `${home}/config.json`,
        owner: nodeAccount,
        from: {
          kind: "text",
          path: "proxy/config.json",
          text: `${JSON.stringify(ollamaUrl ? settings : inStack, undefined, 2)}\n`,
        },
      },
      { target: `${home}/proxy-token`, owner: nodeAccount, from: { kind: "secret", name: "proxy-token" } },
    ],
    ...(ollamaUrl ? { callsHost: true } : {}),
    health: { test: ["CMD", "node", "-e", ask], intervalSeconds: 5, timeoutSeconds: 5, retries: 5, startSeconds: 20 },
    // It lets answers finish for 30 seconds.
    stopSeconds: 35,
    memoryMiB: 512,
    isReadOnly: true,
    scratch: ["/tmp"],
    devices: [],
    usesNvidia: false,
  };
}

/** Copies only: it is built without a network. */
export const dockerfile = `# Written by \`node scripts/compose.ts\` from src/containers/stack-proxy.ts. Change it there.
FROM ${nodeImage}
WORKDIR /app
COPY package.json ./
COPY media/l10n media/l10n/
COPY dist/cli.js dist/
COPY dist/chunks dist/chunks/
USER ${nodeAccount}:${nodeAccount}
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["serve", "--host", "0.0.0.0", "--port", "${port}"]
`;

/** What the image is made of, below the product's folder. */
export const imageParts = ["package.json", "media/l10n", "dist/cli.js", "dist/chunks"] as const;
