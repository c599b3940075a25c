// Spans for OpenTelemetry, in the words of its GenAI conventions. In them are names of models and servers, counts and
// times; never a prompt, an answer, a path, a key, nor anything else that a client wrote.
import { type Attributes, type Context, context, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Handled, Tracing } from "./handled.ts";
import type { Sent } from "./respond.ts";

export interface TracingOptions {
  /** Where spans are sent: an address that takes OTLP as JSON over HTTP. */
  readonly url: string;
  readonly version: string;
  /** Asked before each sending: Offline may have been turned on since. */
  readonly maySend: () => boolean;
}

/** A collector that does not answer must not hold up the end of the service, ms. */
const sendLimitMs = 3_000;

export function createTracing({ url, version, maySend }: TracingOptions): Tracing {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "switchyard", "service.version": version }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: onlyWhere(maySend, new OTLPTraceExporter({ url, timeoutMillis: sendLimitMs })),
        exportTimeoutMillis: sendLimitMs,
      }),
    ],
  });
  const tracer = provider.getTracer("switchyard", version);
  return {
    handled(request) {
      const { startMs, endMs, sent } = request;
      const parent = parentOf(request.traceParent);
      const options = { kind: SpanKind.SERVER, startTime: startMs, attributes: requestAttributes(request) };
      const span = tracer.startSpan(request.route, options, parent);
      markFailed(
        span,
        request.status >= 500 || sent?.error !== undefined,
        String(sent?.error?.status ?? request.status),
      );
      const answer = sent && answerAttributes(sent);
      if (sent && answer) {
        const name = `${answer["gen_ai.operation.name"]} ${answer["gen_ai.request.model"]}`;
        const own = { kind: SpanKind.CLIENT, startTime: startMs, attributes: answer };
        const child = tracer.startSpan(name, own, trace.setSpan(parent, span));
        if (sent.firstMs !== undefined) child.addEvent("gen_ai.first_token", {}, startMs + sent.firstMs);
        markFailed(child, sent.error !== undefined, String(sent.error?.status));
        child.end(endMs);
      }
      span.end(endMs);
    },
    async dispose() {
      await provider.shutdown().catch(() => undefined);
    },
  };
}

/** What may not be sent is dropped, and counts as sent: it must not pile up. */
function onlyWhere(maySend: () => boolean, exporter: SpanExporter): SpanExporter {
  return {
    export: (spans, done) => (maySend() ? exporter.export(spans, done) : done({ code: 0 })),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

function requestAttributes({ route, dialect, status }: Handled): Attributes {
  const [method = "", path = ""] = route.split(" ");
  return {
    "http.request.method": method,
    "http.route": path,
    "http.response.status_code": status,
    "switchyard.dialect": dialect,
  };
}

function answerAttributes({ route, ending, isKept, firstMs }: Sent): Attributes | undefined {
  if (!route) return undefined;
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": route.place === "cloud" ? "anthropic" : "switchyard",
    "gen_ai.request.model": route.model,
    "switchyard.task": route.task,
    "switchyard.node": route.backend,
    "switchyard.place": route.place,
    "switchyard.cache": isKept ? "hit" : "miss",
    ...(firstMs === undefined ? {} : { "gen_ai.response.time_to_first_chunk": firstMs / 1000 }),
    ...(ending
      ? {
          "gen_ai.response.model": route.model,
          "gen_ai.response.finish_reasons": [ending.finish === "length" ? "length" : "stop"],
          "gen_ai.usage.input_tokens": ending.promptTokens,
          "gen_ai.usage.output_tokens": ending.answerTokens,
          "switchyard.load_seconds": ending.loadMs / 1000,
          "switchyard.prefill_seconds": ending.prefillMs / 1000,
          "switchyard.decode_seconds": ending.decodeMs / 1000,
        }
      : {}),
  };
}

function markFailed(span: Span, isFailed: boolean, type: string): void {
  if (!isFailed) return;
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** The span of the caller, where it sent one in the form of W3C Trace Context. */
function parentOf(header: string | undefined): Context {
  const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(header ?? "");
  const [, traceId = "", spanId = "", flags = ""] = found ?? [];
  const isValid = /[1-9a-f]/.test(traceId) && /[1-9a-f]/.test(spanId);
  if (!isValid) return context.active();
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return trace.setSpanContext(context.active(), spanContext);
}
