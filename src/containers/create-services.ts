// The containers behind core's `Services`: finds the engine anew for each call, so that one that was started since is seen.
import type { ServerStatus } from "../core/app.ts";
import { msg } from "../core/message.ts";
import type { RunRecord } from "../core/run-record.ts";
import type { Leaving, ServiceStatus, Services, ServicesStatus } from "../core/services.ts";
import { TaskError } from "../core/task-error.ts";
import { statusOfContainer } from "./container.ts";
import type { ScalePace } from "./decide-replicas.ts";
import { diagnose } from "./doctor.ts";
import type { DoctorTools } from "./doctor-tools.ts";
import { call, type Engine, openEngine } from "./engine.ts";
import { findOurs, findService } from "./find-ours.ts";
import { createIncidentNotes } from "./incident-notes.ts";
import { createFarewell, type Farewell, type FarewellParts, finishTelling, quietCpus } from "./let-finish.ts";
import { followLogs } from "./logs.ts";
import { ensureNetwork, missingImages, startService, stopContainer } from "./manage.ts";
import { forgetPlace, keepPlace, readPlaces } from "./places.ts";
import { restartService } from "./restart-service.ts";
import { type ScaleParts, scaleServers } from "./scale.ts";
import { readSecret } from "./secrets.ts";
import { type ServiceTools, type ToolOptions, toolsOf } from "./service-tools.ts";
import { containerName } from "./stack.ts";
import { createUsage } from "./usage.ts";
import { incidentFile, type WatchOptions, watchStack } from "./watch.ts";
import { startAll, type WholeStackParts, wholeStack } from "./whole-stack.ts";

export interface ServicesOptions extends ToolOptions {
  readonly log: (level: "debug" | "info" | "warn" | "error", text: string) => void;
  /** Called when containers were started or stopped: what was known of servers is out of date. */
  readonly onChange: () => void;
  /** The model servers that answer, and what was tried; absent: only containers are looked at. */
  readonly servers?: (signal: AbortSignal) => Promise<readonly ServerStatus[]>;
  /** What answers took, for graphics cards that were lost; absent: not looked for. */
  readonly runs?: () => Promise<readonly RunRecord[]>;
  readonly gpuLookEveryMs?: number;
  /** Who hands out the questions; absent: the number of model servers is left as it is. */
  readonly balancer?: ScaleParts["balancer"];
  /** How long answers are waited for before their server goes; absent: as is usual. */
  readonly finishLimitMs?: number;
  /** How fast it is scaled; absent: as is usual. */
  readonly pace?: ScalePace;
}

/** Touches nothing until it is asked something. */
export function createServices(options: ServicesOptions): Services {
  const tools = toolsOf(options);
  const usage = createUsage(tools, () => performance.now());
  const cpus = async (service: string, signal: AbortSignal) =>
    (await usage(signal)).find(({ name }) => name === service)?.cpus;
  const farewellTo = (engine: Engine, { hurry }: Leaving) =>
    createFarewell({
      ...{ engine, cpus, hurry, home: options.home, stackName: tools.stackName },
      balancer: options.balancer,
      limitMs: options.finishLimitMs,
    });
  const stack: WholeStackParts = { ...options, tools, farewellTo };
  const doctorTools: DoctorTools = {
    ...tools,
    servers: options.servers ?? (async () => []),
    farewellTo,
    startAll: (wish, signal) => startAll(stack, { ...wish, work: "repair" }, signal),
  };
  return {
    ...wholeStack(stack),
    ...oneService(options, tools, farewellTo),
    ...keeping(options, tools, { farewellTo: (engine) => farewellTo(engine, {}), cpus }),
    usage,
    ...mending(options, doctorTools),
    status: (signal) => readStatus(tools, signal),
    grafanaPassword: () => readSecret(options.home, "grafana-password"),
  };
}

/** What is done to one service, by its name. */
function oneService(
  { home, onChange }: ServicesOptions,
  tools: ServiceTools,
  farewellTo: (engine: Engine, leaving: Leaving) => Farewell,
): Pick<Services, "start" | "stop" | "restart" | "logs"> {
  const find = async (service: string, signal: AbortSignal) => {
    const engine = await tools.connect(signal);
    const found = await findService(engine, { name: tools.stackName }, { name: service }, signal);
    if (found) return { engine, found };
    throw new TaskError("bad-input", notSetUp(service));
  };
  return {
    start: (service, leaving, signal) => startOne(tools, service, leaving, signal).finally(onChange),
    async stop(service, leaving, signal) {
      const { engine, found } = await find(service, signal);
      const farewell = farewellTo(engine, leaving);
      const before = readPlaces(home)[service];
      await forgetPlace(home, service);
      onChange();
      try {
        await finishTelling(farewell, [found], leaving, signal);
        await stopContainer(engine, found.Id, signal);
      } catch (error) {
        // That one alone: the others may have moved while it was waited for.
        if (before !== undefined) await keepPlace(home, service, before);
        throw error;
      } finally {
        await farewell.admitAll();
        onChange();
      }
    },
    async restart(service, leaving, signal) {
      const { engine, found } = await find(service, signal);
      const parts = { engine, home, stackName: tools.stackName, farewell: farewellTo(engine, leaving) };
      await restartService(parts, found, leaving, signal).finally(onChange);
    },
    async *logs(service, tail, signal) {
      const { engine, found } = await find(service, signal);
      yield* followLogs(engine, found.Id, tail, signal);
    },
  };
}

/** What goes on by itself: healing what fell, and as many model servers as the questions need. */
function keeping(
  options: ServicesOptions,
  tools: ServiceTools,
  { farewellTo, cpus }: Pick<WatchOptions, "farewellTo"> & Pick<FarewellParts, "cpus">,
): Pick<Services, "watch" | "scale" | "incidents"> {
  const { connect, stackName } = tools;
  const limits = () => {
    const { minModelContainers: min, maxModelContainers: max } = options.settings();
    return { min, max: Math.max(min, max) };
  };
  const isBusy = async (service: string, signal: AbortSignal) => ((await cpus(service, signal)) ?? 1) > quietCpus;
  return {
    watch: (signal) => watchStack({ ...options, connect, stackName, farewellTo, nowMs: () => Date.now() }, signal),
    scale: (signal) => scaleServers({ ...options, balancer: options.balancer, tools, limits, isBusy }, signal),
    incidents: () => createIncidentNotes(incidentFile(options.home), "").list(),
  };
}

/** What is wrong, and its repair. */
function mending({ onChange }: ServicesOptions, tools: DoctorTools): Pick<Services, "doctor" | "repair"> {
  return {
    doctor: async (signal) => (await diagnose(tools, signal)).map(({ mend: _, ...finding }) => finding),
    async repair(id, leaving, signal) {
      await tools.connectHere(signal);
      const finding = (await diagnose(tools, signal)).find((each) => each.id === id);
      if (!finding) return { id, isFixed: true };
      if (!finding.mend) throw new TaskError("bad-input", msg("This has to be mended by hand: {0}", finding.repair));
      await finding.mend(leaving, signal);
      onChange();
      return { id, isFixed: !(await diagnose(tools, signal)).some((each) => each.id === id) };
    },
  };
}

/** As it is wanted, at the next port where another program has taken its own. */
async function startOne(
  tools: ServiceTools,
  name: string,
  { tell }: Pick<Leaving, "tell">,
  signal: AbortSignal,
): Promise<void> {
  await tools.connectHere(signal);
  await tools.locked({ work: "start", tell }, signal, async (engine) => {
    const { stack, leftOut } = await tools.plan(engine, signal);
    const service = stack.services.find((each) => each.name === name);
    const left = leftOut.find((each) => each.name === name);
    if (!service) throw new TaskError("bad-input", left?.why ?? notSetUp(name));
    const missing = await missingImages(engine, { ...stack, services: [service] }, tools.roots, signal);
    if (missing.length > 0) throw new TaskError("bad-input", notSetUp(name));
    await ensureNetwork(engine, stack, signal);
    await keepPlace(tools.roots.home, name, await startService(engine, stack, service, tools.roots, signal));
  });
}

const notSetUp = (service: string) => msg("{0} is not set up yet. Start the services first.", service);

async function readStatus(tools: ServiceTools, signal: AbortSignal): Promise<ServicesStatus> {
  const { engine: found, tried } = await tools.search(signal);
  if (!found) return { kind: "no-engine", tried };
  const engine = await openEngine(found, tried);
  const [version, ours, { stack, leftOut }] = await Promise.all([
    call(engine.docker.version(), signal),
    findOurs(engine, tools.stackName, signal),
    tools.plan(engine, signal),
  ]);
  const made = ours.map(statusOfContainer);
  const missing = stack.services
    .filter(({ name }) => !made.some((each) => each.name === name))
    .map(
      (service): ServiceStatus => ({
        name: service.name,
        container: containerName(stack, service),
        image: service.image,
        state: "missing",
        exposedOn: [],
      }),
    );
  const services = [...made, ...missing].sort((a, b) => a.name.localeCompare(b.name));
  const { address, source } = found;
  return { kind: "engine", address, source, tried, version: version.Version, services, leftOut };
}
