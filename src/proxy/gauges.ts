// Figures that are read when Prometheus asks: what is being worked on, what the machine and its graphics cards do.
import type { Gauge } from "prom-client";
import CounterOf from "prom-client/lib/counter.js";
import GaugeOf from "prom-client/lib/gauge.js";
import type RegistryOf from "prom-client/lib/registry.js";
import type { App } from "../core/app.ts";
import { spendingOf } from "../core/spending.ts";
import { taskKinds } from "../core/task.ts";
import type { HostReader } from "./host-figures.ts";

export interface GaugeSources {
  readonly app: Pick<App, "loaded" | "totals" | "ledger" | "turns">;
  readonly host: HostReader;
  readonly version: string;
  connections(): number;
}

/** A model server that does not answer must not hold up all other figures, ms. */
const loadedLimitMs = 1_000;
const maxLoaded = 20;

type Registry = InstanceType<typeof RegistryOf>;

export function addGauges(registry: Registry, sources: GaugeSources): void {
  const gauge = <Label extends string = never>(
    name: string,
    help: string,
    collect: (gauge: Gauge<Label>) => void | Promise<void>,
    labelNames: readonly Label[] = [],
  ) =>
    new GaugeOf<Label>({
      name: `switchyard_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        return collect(this);
      },
    });
  const { app, host } = sources;
  gauge("build_info", "Version of the service", (each) => each.set({ version: sources.version }, 1), ["version"]);
  for (const [name, help, key] of [
    ["working", "Requests being answered", "working"],
    ["waiting", "Requests that wait for a place", "waiting"],
  ] as const) {
    gauge(
      name,
      help,
      (each) => {
        for (const task of taskKinds) each.set({ task }, app.turns.state(task)[key]);
      },
      ["task"],
    );
  }
  gauge("connections", "Open connections", (each) => each.set(sources.connections()));
  gauge("memory_bytes", "Memory of the service", (each) => each.set(process.memoryUsage.rss()));
  gauge("cloud_spent_usd", "Spent on models that cost, since the first of the month", async (each) => {
    each.set((await spendingOf(app.ledger, Date.now())).monthUsd);
  });
  gauge("cloud_avoided_usd", "What the answers given here would have cost in the cloud, since the start", (each) =>
    each.set(app.totals().cloudUsd),
  );
  gauge("host_cpu_ratio", "Share of all processors in use", (each) => each.set(host.cpu()));
  gauge("host_memory_ratio", "Share of the machine's memory in use", (each) => each.set(host.memory()));
  addCards(gauge, host);
  addLoaded(gauge, app);
  addProcessorTime(registry);
}

function addProcessorTime(registry: Registry): void {
  new CounterOf({
    name: "switchyard_cpu_seconds_total",
    help: "Processor time the service has used",
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}

type MakeGauge = <Label extends string>(
  name: string,
  help: string,
  collect: (gauge: Gauge<Label>) => void | Promise<void>,
  labelNames: readonly Label[],
) => unknown;

/** Absent where no card can be read, rather than zero. */
function addCards(gauge: MakeGauge, host: HostReader): void {
  for (const [name, help, key] of [
    ["gpu_celsius", "Temperature of a graphics card", "celsius"],
    ["gpu_used_ratio", "Share of a graphics card's time in use", "usedRatio"],
    ["gpu_memory_used_bytes", "Memory of a graphics card in use", "usedBytes"],
    ["gpu_memory_bytes", "Memory of a graphics card", "totalBytes"],
  ] as const) {
    gauge(
      name,
      help,
      async (each) => {
        each.reset();
        for (const card of await host.cards()) {
          const value = card[key];
          if (value !== undefined) each.set({ gpu: card.name }, value);
        }
      },
      ["gpu"],
    );
  }
}

/** What is loaded where, and how much of it on a graphics card: a card that is there and not used shows here. */
function addLoaded(gauge: MakeGauge, app: Pick<App, "loaded">): void {
  const labels = ["model", "node", "memory"] as const;
  gauge<(typeof labels)[number]>(
    "loaded_bytes",
    "Memory of the models that are loaded, by where it is",
    async (each) => {
      each.reset();
      const loaded = await app.loaded(AbortSignal.timeout(loadedLimitMs)).catch(() => []);
      for (const { name: model, backend: node, sizeBytes, vramBytes } of loaded.slice(0, maxLoaded)) {
        each.set({ model, node, memory: "graphics" }, vramBytes);
        each.set({ model, node, memory: "main" }, Math.max(0, sizeBytes - vramBytes));
      }
    },
    labels,
  );
}
