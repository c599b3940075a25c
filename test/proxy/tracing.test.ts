// Spans of the real service, as a collector gets them over OTLP/HTTP.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { Settings } from "../../src/core/settings.ts";
import { openTracing, traceAddress } from "../../src/proxy/open-tracing.ts";
import { beginLines, tokenLine } from "../backends/scripted-server.ts";
import { known, post, startProxy } from "./harness.ts";

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

/** Takes what collectors take. */
async function startCollector() {
  const bodies: string[] = [];
  const paths: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => {
      bodies.push(body);
      paths.push(`${request.method} ${request.url} ${request.headers["content-type"]}`);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  const spans = () =>
    bodies
      .map((body): Export => JSON.parse(body))
      .flatMap((each) => each.resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)));
  return { url: `http://127.0.0.1:${port}`, bodies, paths, spans };
}

const attribute = (span: Span | undefined, key: string) => {
  const value = span?.attributes.find((each) => each.key === key)?.value;
  return value === undefined ? undefined : Object.values(value)[0];
};

async function startTraced(env: Readonly<Record<string, string>>, over: Parameters<typeof startProxy>[0] = {}) {
  const settings: Partial<Settings> = over.settings ?? {};
  const opened = await openTracing(env, "1.2.3", () => settings.offline === true);
  const running = await startProxy({ ...over, options: { ...(opened ? { tracing: opened.tracing } : {}) } });
  return { ...running, opened, flush: async () => opened?.tracing.dispose() };
}

const chat = { model: "llama3.1:8b", messages: [{ role: "user", content: "a canary in /home/someone/mine.ts" }] };

it("sends one span for the request and one for the model, in the words of the conventions", async () => {
  const collector = await startCollector();
  const { url, flush, ollama } = await startTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await (await post(url, "/v1/chat/completions", chat, { headers: { ...known, traceparent } })).text();
  await flush();
  expect(collector.paths).toEqual(["POST /v1/traces application/json"]);
  const [request, model] = ["POST /v1/chat/completions", "chat llama3.1:8b"].map((name) =>
    collector.spans().find((span) => span.name === name),
  );
  expect([request?.kind, model?.kind]).toEqual([2, 3]);
  expect(request?.parentSpanId).toBe("b7ad6b7169203331");
  expect(model?.parentSpanId).toBe(request?.spanId);
  expect(model?.traceId).toBe("0af7651916cd43dd8448eb211c80319c");
  expect(attribute(request, "http.route")).toBe("/v1/chat/completions");
  expect(Number(attribute(request, "http.response.status_code"))).toBe(200);
  expect(attribute(model, "gen_ai.operation.name")).toBe("chat");
  expect(attribute(model, "gen_ai.provider.name")).toBe("switchyard");
  expect(attribute(model, "gen_ai.request.model")).toBe("llama3.1:8b");
  expect(Number(attribute(model, "gen_ai.usage.input_tokens"))).toBe(12);
  expect(Number(attribute(model, "gen_ai.usage.output_tokens"))).toBe(40);
  expect(attribute(model, "switchyard.node")).toBe(`Ollama at ${new URL(ollama.url).host}`);
  expect(attribute(model, "gen_ai.response.finish_reasons")).toEqual({ values: [{ stringValue: "stop" }] });
  expect(BigInt(model?.endTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(BigInt(model?.startTimeUnixNano ?? 0));
});

it("never has a text, a path, a token or a name that a client made up in a span", async () => {
  const collector = await startCollector();
  const { url, flush } = await startTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  await (await post(url, "/api/chat", chat)).text();
  await (await post(url, "/api/chat", { ...chat, model: "canary:1b" })).text();
  await (await fetch(`${url}/v1/models/canary?canary=1`, { headers: { ...known, "x-canary": "canary" } })).text();
  await (await fetch(`${url}/canary`, { headers: known })).text();
  await flush();
  expect(collector.spans().map((span) => span.name)).toEqual(
    expect.arrayContaining(["POST /api/chat", "chat llama3.1:8b", "GET /v1/models/*"]),
  );
  expect(collector.bodies.join("")).not.toMatch(/canary|someone|mine\.ts|Hello|世/);
});

it("marks what failed, also where the status was sent already", async () => {
  const collector = await startCollector();
  const { url, flush } = await startTraced(
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    {
      chat: (_, response) => {
        beginLines(response);
        response.write(tokenLine("half an"), () => response.destroy());
      },
    },
  );
  await (await post(url, "/api/chat", chat)).text();
  await flush();
  const spans = collector.spans();
  expect(spans).toHaveLength(2);
  for (const span of spans) {
    expect(span.status.code).toBe(2);
    expect(attribute(span, "error.type")).toBe("502");
  }
});

it("sends nothing to another machine while Offline is on, and to this one still", async () => {
  const collector = await startCollector();
  const here = await startTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, { settings: { offline: true } });
  expect(here.opened?.isRefused).toBe(false);
  await (await post(here.url, "/api/chat", chat)).text();
  await here.flush();
  expect(collector.spans().length).toBeGreaterThan(0);
  // A name that stands for this machine, and is not known to: were anything sent to it, it would arrive.
  const elsewhere = collector.url.replace("127.0.0.1", "0.0.0.0");
  const settings = { offline: true };
  const away = await startTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: elsewhere }, { settings });
  expect(away.opened?.isRefused).toBe(true);
  const before = collector.bodies.length;
  await (await post(away.url, "/api/chat", chat)).text();
  await away.flush();
  expect(collector.bodies).toHaveLength(before);
  settings.offline = false;
  const allowed = await startTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: elsewhere }, { settings });
  await (await post(allowed.url, "/api/chat", chat)).text();
  await allowed.flush();
  expect(collector.bodies.length).toBeGreaterThan(before);
});

it("goes on answering where no collector listens", async () => {
  const { url, flush } = await startTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
  expect((await post(url, "/api/chat", chat)).status).toBe(200);
  await flush();
});

it("knows from the environment whether and where to send", async () => {
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" };
  expect(traceAddress({})).toBeUndefined();
  expect(traceAddress(base)).toBe("http://localhost:4318/v1/traces");
  expect(traceAddress({ ...base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://b/t" })).toBe("http://b/t");
  expect(traceAddress({ ...base, OTEL_SDK_DISABLED: "true" })).toBeUndefined();
  expect(traceAddress({ ...base, OTEL_TRACES_EXPORTER: "none" })).toBeUndefined();
  expect(traceAddress({ OTEL_EXPORTER_OTLP_ENDPOINT: "not an address" })).toBeUndefined();
});
