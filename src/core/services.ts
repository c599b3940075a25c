// The containers that serve models, as their hosts see them.
import type { Message } from "./message.ts";

export interface TriedEngine {
  /** Who names the address: `DOCKER_HOST`, `context default`, `Colima`. */
  readonly source: string;
  readonly address: string;
  readonly answer: "engine" | "absent" | "stopped" | "no-permission" | "other";
  readonly outcome: Message;
}

/** What of the stack is wanted, each with what is before it: models and cache; figures and a dashboard; the service for others. */
export type ServiceProfile = "core" | "monitoring" | "team";

/** What a container of ours is doing. `missing`: not made yet. */
export type ServiceState = "missing" | "stopped" | "starting" | "healthy" | "unhealthy" | "paused" | "restarting";

export interface ServiceStatus {
  /** `ollama`, `redis`. */
  readonly name: string;
  readonly container: string;
  readonly image: string;
  readonly state: ServiceState;
  /** Where it is, such as `http://127.0.0.1:11434`; absent while it has no port. */
  readonly address?: string;
  /** Addresses it listens on that other machines can reach; empty is right. */
  readonly exposedOn: readonly string[];
  readonly exitCode?: number;
  readonly wasOutOfMemory?: boolean;
}

/** What a running container takes. */
export interface ServiceUsage {
  readonly name: string;
  /** Without what the system keeps of files and would give back. */
  readonly memoryBytes: number;
  /** Absent: all of the machine's. */
  readonly memoryLimitBytes?: number;
  /** Processors in use, 1 is one whole core; absent until it was looked at twice. */
  readonly cpus?: number;
}

/** Why a service of the stack is not a container here. */
export interface LeftOut {
  readonly name: string;
  readonly why: Message;
}

export type ServicesStatus =
  | { readonly kind: "no-engine"; readonly tried: readonly TriedEngine[] }
  | {
      readonly kind: "engine";
      readonly address: string;
      readonly source: string;
      readonly tried: readonly TriedEngine[];
      readonly version: string;
      readonly services: readonly ServiceStatus[];
      readonly leftOut: readonly LeftOut[];
    };

/** What `up` does, as it does it. */
export type UpEvent =
  | { readonly kind: "engine"; readonly address: string; readonly source: string }
  | { readonly kind: "left-out"; readonly service: string; readonly why: Message }
  | { readonly kind: "notice"; readonly text: Message }
  /** Bytes over all layers known so far. */
  | { readonly kind: "pull"; readonly image: string; readonly completedBytes: number; readonly totalBytes: number }
  /** Made here from the product's own files. */
  | { readonly kind: "build"; readonly image: string }
  | { readonly kind: "created" | "recreated" | "started" | "waiting" | "removed"; readonly service: string }
  /** Another window or shell is at work on the containers, and that is waited for. */
  | { readonly kind: "queued"; readonly text: Message }
  /** It is answering, and that is waited for, so long at most. */
  | { readonly kind: "finishing"; readonly service: string; readonly limitMs: number }
  | { readonly kind: "ready"; readonly service: string; readonly address: string };

/** How who takes a model server away wants it done: first, what it is answering is waited for. */
export interface Leaving {
  /** Aborted: nothing is waited for any longer, and what is being answered is cut. */
  readonly hurry?: AbortSignal;
  /** Hears what is waited for. */
  readonly tell?: (event: UpEvent) => void;
}

/** Something that went wrong by itself, and what was done. */
export interface Incident {
  readonly service: string;
  readonly atMs: number;
  readonly what: "died" | "out-of-memory" | "unhealthy" | "paused" | "lost-gpu";
  readonly done: "restarted" | "unpaused" | "gave-up" | "failed";
  /** Attempt within the last 10 minutes, from 1. */
  readonly attempt: number;
  /** It answered again afterwards. */
  readonly helped: boolean;
  /** From the fall until it answered, or until that was given up. */
  readonly tookMs: number;
}

export type WatchEvent =
  | { readonly kind: "changed" }
  | { readonly kind: "incident"; readonly incident: Incident }
  | { readonly kind: "engine-lost" }
  | { readonly kind: "engine-back" };

/** What is asked of all model servers together by this process. */
export interface ModelLoad {
  readonly waiting: number;
  readonly longestWaitMs: number;
  readonly inFlight: number;
}

export type ScaleEvent =
  /** `held`: one more would be added, and cannot be; told once until that changes. */
  | { readonly kind: "adding" | "removing" | "held"; readonly service: string; readonly why: Message }
  | { readonly kind: "added"; readonly service: string; readonly address: string; readonly text: Message }
  | { readonly kind: "removed"; readonly service: string };

export interface DoctorFinding {
  /** Stable, for scripts: `engine-missing`, `port-taken`. */
  readonly id: string;
  readonly severity: "problem" | "warning";
  readonly what: Message;
  readonly evidence: readonly Message[];
  /** What mends it, by hand unless `canRepair`. */
  readonly repair: Message;
  readonly canRepair: boolean;
}

/** What a repair did, proven by looking again. */
export interface RepairResult {
  readonly id: string;
  readonly isFixed: boolean;
}

/** Everything that takes a signal throws `TaskError` or an `AbortError` only. */
export interface Services {
  /**
   * Makes and starts what is missing; ends when everything is healthy. Nothing is done twice.
   * Without a profile it is the one of before; with a smaller one, containers beyond it are removed.
   */
  up(
    options: Pick<Leaving, "hurry"> & { readonly profile?: ServiceProfile },
    signal: AbortSignal,
  ): AsyncIterable<UpEvent>;
  /** Stops all; containers and volumes stay. Cancelled while it waits for answers, everything goes on. */
  down(leaving: Leaving, signal: AbortSignal): Promise<void>;
  /** Removes containers and network; models and kept answers only with `withVolumes`. */
  remove(options: Leaving & { readonly withVolumes: boolean }, signal: AbortSignal): Promise<void>;
  status(signal: AbortSignal): Promise<ServicesStatus>;
  start(service: string, leaving: Pick<Leaving, "tell">, signal: AbortSignal): Promise<void>;
  stop(service: string, leaving: Leaving, signal: AbortSignal): Promise<void>;
  restart(service: string, leaving: Leaving, signal: AbortSignal): Promise<void>;
  /** Grafana's, for the account `admin`; undefined until it was made. */
  grafanaPassword(): Promise<string | undefined>;
  /** Another version of the model server; empty: the product's own. What does not come up is gone back from. */
  update(tag: string, leaving: Pick<Leaving, "hurry">, signal: AbortSignal): AsyncIterable<UpEvent>;
  /** Of those that run; empty where no engine answers. */
  usage(signal: AbortSignal): Promise<readonly ServiceUsage[]>;
  /** What it printed, and what it prints until the reader leaves; `tail` lines of the past. */
  logs(service: string, tail: number, signal: AbortSignal): AsyncIterable<string>;
  /** Keeps what was started running, and tells; ends when aborted. Of many windows one heals, and all are told. */
  watch(signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** More model servers while questions wait, fewer when they do not, between the limits set; ends when aborted. */
  scale(signal: AbortSignal): AsyncIterable<ScaleEvent>;
  /** What fell by itself and was set up again, oldest first. */
  incidents(): Promise<readonly Incident[]>;
  doctor(signal: AbortSignal): Promise<readonly DoctorFinding[]>;
  /** Mends one finding and looks again. */
  repair(id: string, leaving: Leaving, signal: AbortSignal): Promise<RepairResult>;
}
