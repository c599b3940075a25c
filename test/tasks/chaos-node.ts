// A model server in a process of its own that can be killed: speaks as much of Ollama's API as an answer needs, and does what
// its parent says: `fine`, `stall` (says nothing more, to anybody), `fail` (500). Tells its parent of each question. PORT
// TEXT BACKLOG MS-PER-WORD
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { beginLines, doneLine, sendJson, tokenLine } from "../backends/scripted-server.ts";

const [port, answered = "", backlog = "511", msPerWord = "5"] = process.argv.slice(2);
const words = answered.split(/(?<= )/);
const model = {
  name: "m",
  size: 1000,
  digest: "d",
  details: { context_length: 8192 },
  capabilities: ["completion"],
};

let behaviour: unknown = "fine";
process.on("message", (told) => {
  behaviour = told;
});

async function answer(response: ServerResponse): Promise<void> {
  for (const word of words) {
    await sleep(Number(msPerWord));
    if (behaviour === "stall" || response.destroyed) return;
    if (!response.headersSent) beginLines(response);
    response.write(tokenLine(word));
  }
  response.end(doneLine({ eval_count: words.length, eval_duration: words.length * Number(msPerWord) * 1_000_000 }));
}

const server = createServer(async (request, response) => {
  if (request.method === "GET" && request.url === "/api/version") return sendJson(response, { version: "0.30.1" });
  if (request.method === "GET") return sendJson(response, { models: [model] });
  process.send?.({ asked: await text(request) });
  if (behaviour === "fail") return sendJson(response, { error: "the runner has crashed" }, 500);
  if (behaviour !== "stall") void answer(response);
});
server.listen(Number(port), "127.0.0.1", Number(backlog), () => process.send?.((server.address() as AddressInfo).port));
