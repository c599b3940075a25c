// Who can reach what runs here, and what keeps it from reaching what it needs.
import { X509Certificate } from "node:crypto";
import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import { call, type Engine } from "./engine.ts";
import type { Finding } from "./finding.ts";
import { openListeners } from "./ports.ts";
import type { ServiceTools } from "./service-tools.ts";
import { labels } from "./stack.ts";

type Env = Readonly<Record<string, string | undefined>>;

const modelImages = /(^|\/)(ollama\/ollama|redis|vllm\/vllm-openai|localai\/localai)(:|@|$)/;
const everywhere = ["0.0.0.0", "::", ""];
/** What asks nobody for a password, by the port it usually has. */
const usualPorts: readonly (readonly [port: number, program: string])[] = [
  [11434, "Ollama"],
  [6379, "Redis"],
];

/** Containers of others are named and never touched. */
export async function checkExposed(
  { docker }: Engine,
  stackName: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const running = await call(docker.listContainers(), signal);
  const foreign = running.filter(
    ({ Labels: all, Image }) => all[labels.stack] !== stackName && modelImages.test(Image),
  );
  const byContainer = foreign.flatMap(({ Names, Ports }): readonly Finding[] => {
    const open = Ports.filter(({ IP, PublicPort }) => PublicPort && everywhere.includes(IP ?? ""));
    const name = Names[0]?.replace(/^\//, "") ?? "";
    if (open.length === 0) return [];
    const evidence = open.map((port) =>
      msg("{0} is published on {1}", name, `${port.IP || "0.0.0.0"}:${port.PublicPort}`),
    );
    const port = open[0]?.PrivatePort ?? 0;
    return [
      {
        id: `exposed-${name}`,
        severity: "problem",
        what: msg("Other machines can reach the container {0}, which asks for no password.", name),
        evidence: [...new Map(evidence.map((each) => [JSON.stringify(each), each])).values()],
        repair: msg("It is not Switchyard’s and is left alone. Start it with -p 127.0.0.1:{0}:{0} instead.", port),
        canRepair: false,
      },
    ];
  });
  const published = new Set(running.flatMap(({ Ports }) => Ports.map(({ PublicPort }) => PublicPort)));
  const byProgram = usualPorts.flatMap(([port, program]): readonly Finding[] => {
    const open = published.has(port) ? [] : openListeners(port);
    if (open.length === 0) return [];
    return [
      {
        id: `exposed-port-${port}`,
        severity: "warning",
        what: msg("Other machines can reach {0} at port {1} of this machine.", program, port),
        evidence: open.map((address) => msg("Something listens on {0}:{1}", address, port)),
        repair:
          program === "Ollama"
            ? msg("Take OLLAMA_HOST=0.0.0.0 away, or set it to 127.0.0.1, and start Ollama again.")
            : msg("Let it listen on 127.0.0.1 alone (redis.conf: bind 127.0.0.1), or give it a password."),
        canRepair: false,
      },
    ];
  });
  return [...byContainer, ...byProgram];
}

interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

const addressesOf = (name: string): Promise<readonly ResolvedAddress[]> =>
  lookup(name, { all: true, order: "verbatim" });

/** `localhost` may be ::1, where containers of ours, and an Ollama, do not listen. */
export async function checkLocalhost(env: Env, resolve = addressesOf): Promise<readonly Finding[]> {
  const users = ["OLLAMA_HOST", "SWITCHYARD_OLLAMA_URL"].filter((name) => /\blocalhost\b/.test(env[name] ?? ""));
  if (users.length === 0) return [];
  const addresses = await resolve("localhost").catch(() => []);
  if (addresses.length === 0 || addresses.some(({ family }) => family === 4)) return [];
  return [
    {
      id: "localhost-is-ipv6",
      severity: "warning",
      what: msg("The name localhost stands for ::1 alone here, where most model servers do not listen."),
      evidence: [
        msg("localhost: {0}", addresses.map(({ address }) => address).join(", ")),
        ...users.map((name) => msg("{0} is {1}", name, env[name] ?? "")),
      ],
      repair: msg("Write 127.0.0.1 instead of localhost."),
      canRepair: false,
    },
  ];
}

/** @param file `caFile` of the settings; empty: none */
export async function checkCertificates(file: string, nowMs = Date.now()): Promise<readonly Finding[]> {
  if (file === "") return [];
  const common = { id: "certificate-trouble", severity: "problem", canRepair: false } as const;
  const repair = msg(
    "Ask who runs your network for the present certificates, and set “switchyard.caFile” to that file.",
  );
  try {
    const pem = await readFile(file, "utf8");
    const all = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
    if (all.length === 0) throw new Error("no certificate in it");
    const over = all.map((each) => new X509Certificate(each)).filter(({ validTo }) => Date.parse(validTo) < nowMs);
    if (over.length === 0) return [];
    const evidence = over.map(({ subject, validTo }) =>
      msg("{0}: valid until {1}", subject.replaceAll("\n", ", "), validTo),
    );
    return [
      { ...common, what: msg("A certificate authority that containers are given has expired."), evidence, repair },
    ];
  } catch (error) {
    const evidence = [msg("{0}: {1}", file, reasonOf(error))];
    return [{ ...common, what: msg("The file with your certificate authorities cannot be used."), evidence, repair }];
  }
}

const reachLimitMs = 2_000;

export async function checkProxy(
  { docker, found }: Engine,
  { env, settings, isOffline }: Pick<ServiceTools, "env" | "settings" | "isOffline">,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const own = env["HTTPS_PROXY"] || env["https_proxy"] || "";
  const facts = (await call(docker.info(), signal)) as { readonly HttpsProxy?: string };
  const findings: Finding[] = [];
  if (own !== "" && !facts.HttpsProxy && found.product === "docker" && !isOffline()) {
    findings.push({
      id: "engine-without-proxy",
      severity: "warning",
      what: msg("This machine uses a proxy, and the Docker engine does not: images may not be found."),
      evidence: [msg("HTTPS_PROXY is {0}; the engine has none", own)],
      repair: msg(
        "Give it to the engine (Docker Desktop: Settings, Resources, Proxies; Linux: /etc/docker/daemon.json), or set “switchyard.imageMirrors”.",
      ),
      canRepair: false,
    });
  }
  const { downloadProxy } = settings();
  if (downloadProxy !== "" && !isOffline() && !(await canReach(new URL(downloadProxy)))) {
    findings.push({
      id: "proxy-unreachable",
      severity: "problem",
      what: msg("The proxy that models are to be fetched through does not answer."),
      evidence: [msg("No connection to {0} in {1} s", downloadProxy, reachLimitMs / 1000)],
      repair: msg("Start it, or correct “switchyard.downloadProxy”."),
      canRepair: false,
    });
  }
  return findings;
}

function canReach(url: URL): Promise<boolean> {
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ""), port, timeout: reachLimitMs });
  return new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("timeout", () => resolve(false));
  }).finally(() => socket.destroy());
}
