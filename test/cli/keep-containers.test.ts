// The service looks after containers also where they are started after it.
import { expect, it } from "vitest";
import { keepContainers } from "../../src/cli/keep-containers.ts";
import { formatMessage } from "../../src/core/message.ts";
import type { Services, ServicesStatus } from "../../src/core/services.ts";

const status = (state: "missing" | "healthy"): ServicesStatus => ({
  kind: "engine",
  address: "",
  source: "",
  tried: [],
  version: "",
  services: [{ name: "ollama", container: "", image: "", state, exposedOn: [] }],
  leftOut: [],
});

it("containers that are started later are healed and scaled as well; until then nothing is begun", async () => {
  const looks: (() => Promise<ServicesStatus>)[] = [
    () => Promise.reject(new Error("the engine is away")),
    async () => ({ kind: "no-engine", tried: [] }),
    async () => status("missing"),
    async () => status("healthy"),
  ];
  const begun: string[] = [];
  const incident = {
    service: "ollama",
    atMs: 0,
    what: "died",
    done: "restarted",
    attempt: 1,
    helped: true,
    tookMs: 1,
  } as const;
  const services: Pick<Services, "status" | "watch" | "scale"> = {
    status: () => (looks.shift() ?? (async () => status("healthy")))(),
    async *watch() {
      begun.push(`watch after ${4 - looks.length} looks`);
      yield { kind: "incident", incident };
    },
    async *scale() {
      begun.push("scale");
      yield { kind: "removed", service: "ollama-2" };
    },
  };
  const told: string[] = [];
  const stop = new AbortController();
  await keepContainers({ services: services as Services }, stop.signal, (text) => told.push(formatMessage(text)), 5);
  expect(begun).toEqual(["watch after 4 looks", "scale"]);
  expect(new Set(told)).toEqual(
    new Set(["ollama: it ended by itself; restarted", "ollama-2: removed, as it is not wanted any more"]),
  );
});

it("nothing keeps the service from ending where there are none", async () => {
  const stop = new AbortController();
  const services: Pick<Services, "status"> = { status: async () => status("missing") };
  const keeping = keepContainers({ services: services as Services }, stop.signal, () => undefined, 60_000);
  setTimeout(() => stop.abort(), 20);
  await keeping;
});
