// Whether spans are sent, and where to: as the environment says, in the standard's own names.
import type { Tracing } from "./handled.ts";
import { isLoopback } from "./listen.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Undefined: nothing is to be sent. */
export function traceAddress(env: Env): string | undefined {
  const isOff = env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true" || env["OTEL_TRACES_EXPORTER"] === "none";
  const given = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  const base = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  const address = given || (base ? `${base.replace(/\/+$/, "")}/v1/traces` : "");
  return isOff || !URL.canParse(address) ? undefined : address;
}

/** Nothing of OpenTelemetry is loaded where no address is set. */
export async function openTracing(
  env: Env,
  version: string,
  isOffline: () => boolean,
): Promise<{ readonly tracing: Tracing; readonly address: string; readonly isRefused: boolean } | undefined> {
  const address = traceAddress(env);
  if (address === undefined) return undefined;
  const isHere = isLoopback(new URL(address).hostname.replace(/^\[|\]$/g, ""));
  const maySend = () => isHere || !isOffline();
  const { createTracing } = await import("./tracing.ts");
  return { tracing: createTracing({ url: address, version, maySend }), address, isRefused: !maySend() };
}
