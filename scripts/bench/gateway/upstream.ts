// A model server that costs next to nothing: OpenAI's and Ollama's API, with as many tokens at such a pace as the
// prompt says (`tokens=64 delay=5`), so that it gets through gateways that drop what they do not know. `cut=700` ends the
// connection after so many thousandths of the answer, `stall=700` says nothing more.
import { createServer, type ServerResponse } from "node:http";

const word = (at: number) => `w${at} `;
const openaiLine = (at: number) =>
  `data: {"id":"c","object":"chat.completion.chunk","created":1700000000,"model":"mock","choices":[{"index":0,"delta":{"content":"${word(at)}"},"finish_reason":null}]}\n\n`;
const openaiEnd = `data: {"id":"c","object":"chat.completion.chunk","created":1700000000,"model":"mock","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":12,"total_tokens":24}}\n\ndata: [DONE]\n\n`;
const openaiWhole = JSON.stringify({
  id: "c",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "mock",
  choices: [{ index: 0, message: { role: "assistant", content: "w0 " }, finish_reason: "stop" }],
  usage: { prompt_tokens: 12, completion_tokens: 1, total_tokens: 13 },
});
const ollamaLine = (at: number) =>
  `{"model":"llama3.1:8b","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"${word(at)}"},"done":false}\n`;
const ollamaEnd = (bytes: number, tokens: number) =>
  `{"model":"llama3.1:8b","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":1000000,"load_duration":1000,"prompt_eval_count":${Math.max(1, Math.round(bytes / 4))},"prompt_eval_duration":1000,"eval_count":${tokens},"eval_duration":1000000}\n`;

const model = {
  name: "llama3.1:8b",
  size: 1000,
  digest: "d1",
  details: { parameter_size: "8B", quantization_level: "Q4_K_M", context_length: 131_072 },
  capabilities: ["completion"],
};
const fixed: Readonly<Record<string, string>> = {
  "/api/version": JSON.stringify({ version: "0.20.0" }),
  "/api/tags": JSON.stringify({ models: [model] }),
  "/api/ps": JSON.stringify({
    models: [{ name: "llama3.1:8b", size: 1000, size_vram: 1000, context_length: 131_072 }],
  }),
};

interface Wish {
  readonly isOllama: boolean;
  readonly tokens: number;
  readonly delayMs: number;
  readonly bytes: number;
  readonly cutAt: number;
  readonly stallAt: number;
}

/** What was asked, and how often one left before its end: for the rows about leaving. */
const seen = { asked: 0, left: 0, leftAtMs: 0 };

/** The first bytes of the answer, one at least and never the last two, and then nothing, or the end of the connection. */
function sendPart(response: ServerResponse, text: string, { cutAt, stallAt }: Wish): void {
  const whole = Buffer.from(text);
  const bytes = 1 + Math.floor(((whole.length - 2) * (cutAt || stallAt)) / 1_000);
  response.write(whole.subarray(0, bytes), () => cutAt > 0 && response.destroy());
}

function stream(response: ServerResponse, wish: Wish): void {
  const { isOllama, tokens, delayMs, bytes, cutAt, stallAt } = wish;
  response.writeHead(200, { "content-type": isOllama ? "application/x-ndjson" : "text/event-stream" });
  const line = isOllama ? ollamaLine : openaiLine;
  const end = isOllama ? ollamaEnd(bytes, tokens) : openaiEnd;
  let at = 0;
  if (cutAt + stallAt > 0) {
    const lines = Array.from({ length: tokens }, (_, index) => line(index));
    return sendPart(response, lines.join("") + end, wish);
  }
  response.on("close", () => {
    if (response.writableFinished) return;
    seen.left++;
    seen.leftAtMs = performance.timeOrigin + performance.now();
  });
  if (tokens <= 1) return void response.end(line(0) + end);
  if (delayMs > 0) {
    const timer = setInterval(() => {
      if (response.destroyed) return clearInterval(timer);
      response.write(line(at++));
      if (at < tokens) return;
      clearInterval(timer);
      response.end(end);
    }, delayMs);
    return;
  }
  const step = (): void => {
    if (response.destroyed) return;
    if (at >= tokens) return void response.end(end);
    if (response.write(line(at++))) setImmediate(step);
    else response.once("drain", step);
  };
  step();
}

const server = createServer((request, response) => {
  const path = request.url ?? "/";
  if (path === "/seen") return void response.end(JSON.stringify(seen));
  if (path in fixed) return void response.writeHead(200, { "content-type": "application/json" }).end(fixed[path]);
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    seen.asked++;
    const body = Buffer.concat(chunks);
    const ends = body.toString("latin1", 0, 600) + body.toString("latin1", Math.max(0, body.length - 600));
    const isOllama = path === "/api/chat";
    if (!/"stream":\s*true/.test(ends)) {
      const whole = isOllama ? ollamaLine(0).trimEnd().replace('"done":false', '"done":true') : openaiWhole;
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(whole) };
      return void response.writeHead(200, headers).end(whole);
    }
    const number = (name: string, otherwise: number) =>
      Number(new RegExp(`${name}=(\\d+)`).exec(ends)?.[1] ?? otherwise);
    stream(response, {
      isOllama,
      tokens: number("tokens", 1),
      delayMs: number("delay", 0),
      bytes: body.length,
      cutAt: number("cut", 0),
      stallAt: number("stall", 0),
    });
  });
});
server.keepAliveTimeout = 120_000;
server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", 2048, () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : "");
});
