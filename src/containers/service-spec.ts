// What a service of the stack is, in the words of neither the engine nor Compose.
import type { ServiceProfile } from "../core/services.ts";

/** What the models compute on. */
export type Variant = "cpu" | "nvidia" | "amd" | "vulkan";

export type ServiceName = "ollama" | "redis" | "prometheus" | "grafana" | "local-llm-proxy";

export interface StackChoice {
  /** Names the containers, network and volumes; `switchyard` unless a test says otherwise. */
  readonly name: string;
  readonly variant: Variant;
  /** Upper bound of the model server's memory. */
  readonly modelMemoryMiB: number;
  /** Ports asked for; where one is taken, the next free one is used. */
  readonly ports: Readonly<Record<ServiceName, number>>;
  /** Model servers beside the first one. */
  readonly replicas?: number;
  /** Tag of the model server instead of ours. */
  readonly ollamaTag?: string;
  /** Proxy that the model server fetches through. */
  readonly downloadProxy?: string;
  /** Certificate authorities of the person's network, PEM, on this machine. */
  readonly caFile?: string;
  /** Where the proxy service finds the models; absent: in the stack. */
  readonly ollamaUrl?: string;
  /** What Prometheus asks. */
  readonly scraped?: string;
  /** Tag of the proxy's image; it names what is in it. */
  readonly proxyTag?: string;
}

export interface VolumeSpec {
  readonly name: string;
  readonly target: string;
}

/** A file that the container finds inside one of its volumes. */
export interface FileSpec {
  readonly target: string;
  /** Account that may read it. */
  readonly owner: number;
  readonly from: FileSource;
}

export type FileSource =
  /** Of the product, below `deploy/`. */
  | { readonly kind: "deploy"; readonly path: string }
  /** Written by the Compose script to `deploy/<path>`. */
  | { readonly kind: "text"; readonly path: string; readonly text: string }
  /** Made on first use, and readable by this person alone. */
  | { readonly kind: "secret"; readonly name: "proxy-token" | "grafana-password" }
  | { readonly kind: "host"; readonly path: string };

/** One container. */
export interface ServiceSpec {
  readonly name: string;
  /** Name of the container where it is not the stack's and the service's. */
  readonly container?: string;
  readonly profile: ServiceProfile;
  /** Further name in the network of the stack, which several may have. */
  readonly alias?: string;
  readonly image: string;
  /** The image is made here, from the product's own files. */
  readonly isBuilt?: true;
  readonly command?: readonly string[];
  readonly user?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Published on 127.0.0.1 alone. */
  readonly port: { readonly host: number; readonly container: number };
  readonly volumes: readonly VolumeSpec[];
  readonly files: readonly FileSpec[];
  /** Whether it has to reach programs of this machine. */
  readonly callsHost?: true;
  readonly health: {
    readonly test: readonly string[];
    readonly intervalSeconds: number;
    readonly timeoutSeconds: number;
    readonly retries: number;
    readonly startSeconds: number;
  };
  /** How long it may take to end when it is stopped; absent: as is usual for containers, 10. */
  readonly stopSeconds?: number;
  readonly memoryMiB: number;
  readonly isReadOnly: boolean;
  /** Folders in memory that it may write to. */
  readonly scratch: readonly string[];
  readonly devices: readonly string[];
  readonly usesNvidia: boolean;
}

export interface Stack {
  readonly name: string;
  readonly network: string;
  readonly services: readonly ServiceSpec[];
}
