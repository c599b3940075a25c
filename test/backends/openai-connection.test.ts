// A connection serves for the next question, too.
import { expect, it, onTestFinished } from "vitest";
import { OpenAiBackend } from "../../src/backends/openai.ts";
import { request } from "./sample-request.ts";
import { startScriptedServer } from "./scripted-server.ts";

it("a server with OpenAI's API is asked over the connections of before, also where an answer's end comes late", async () => {
  const sockets = new Set<unknown>();
  const chunk = { choices: [{ index: 0, delta: { content: "Hello" }, finish_reason: "stop" }] };
  const server = await startScriptedServer({
    "POST /v1/chat/completions": ({ socket }, response) => {
      sockets.add(socket);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
      setTimeout(() => response.end(), 20);
    },
  });
  onTestFinished(() => server.close());
  const { host } = new URL(server.url);
  const backend = new OpenAiBackend({ name: "box", place: "this-machine", host, address: server.url });
  for (let asked = 0; asked < 6; asked++) {
    const events = await Array.fromAsync(backend.run(request, new AbortController().signal));
    expect(events.map(({ kind }) => kind)).toEqual(["text", "done"]);
  }
  // A second one, for what is asked before the first has told its own end.
  expect(sockets.size).toBeLessThanOrEqual(2);
});
