// More than can be answered, clients that leave, and an end in which nothing is cut.
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { beginLines, doneLine, tokenLine } from "../backends/scripted-server.ts";
import { fastest } from "../harness/fastest.ts";
import { known, post, sayForever, startProxy, token, until } from "./harness.ts";

const chatOf = (text: string) => ({ model: "llama3.1:8b", messages: [{ role: "user", content: text }] });

/** A model that answers when told, and counts how many are being answered. */
function heldModel() {
  const waiting: (() => void)[] = [];
  const state = { working: 0, most: 0, answered: 0 };
  return {
    state,
    waiting,
    release: () => {
      for (const go of waiting.splice(0)) go();
    },
    chat: (_: unknown, response: import("node:http").ServerResponse) => {
      state.working++;
      state.most = Math.max(state.most, state.working);
      response.on("close", () => {
        state.working--;
      });
      waiting.push(() => {
        state.answered++;
        beginLines(response);
        response.end(tokenLine("ok") + doneLine());
      });
    },
  };
}

it("case 21: stops the model within 50 ms when a client leaves in the middle of an answer, in each dialect", async () => {
  let leftMs = 0;
  const { url } = await startProxy({ chat: sayForever(() => (leftMs = performance.now())) });
  for (const path of ["/api/chat", "/v1/chat/completions", "/v1/messages"]) {
    const took = await fastest(50, async () => {
      leftMs = 0;
      const stop = new AbortController();
      const body = { ...chatOf("a story"), stream: true, max_tokens: 500 };
      const answer = await post(url, path, body, { signal: stop.signal });
      await answer.body?.getReader().read();
      const askedMs = performance.now();
      stop.abort();
      await until(() => leftMs > 0);
      return leftMs - askedMs;
    });
    expect(took, path).toBeLessThan(50);
  }
});

it("case 21: stops the model when a client leaves before the first token, and asks nothing for one that leaves while waiting", async () => {
  const model = heldModel();
  const { url, app, asked } = await startProxy({ chat: model.chat, app: { limits: { chat: 1 } } });
  const waiting = () => app.turns.state("chat").waiting;
  let rounds = 0;
  const ask = (text: string, { signal }: AbortController) =>
    post(url, "/api/chat", { ...chatOf(text), model: "switchyard/chat" }, { signal }).catch(() => "left");
  const took = await fastest(50, async () => {
    rounds++;
    const [first, second] = [new AbortController(), new AbortController()];
    const answers = [ask("hello one", first)];
    await until(() => model.state.working === 1);
    answers.push(ask("hello two", second));
    await until(() => waiting() === 1);
    second.abort();
    await until(() => waiting() === 0);
    const askedMs = performance.now();
    first.abort();
    await until(() => model.state.working === 0);
    const tookMs = performance.now() - askedMs;
    expect(await Promise.all(answers)).toEqual(["left", "left"]);
    return tookMs;
  });
  expect(took).toBeLessThan(50);
  expect(asked()).toHaveLength(rounds);
});

it("case 26: lets as many work as allowed, queues a bounded number and refuses the rest; whoever was let in is answered", async () => {
  const model = heldModel();
  const { url } = await startProxy({ chat: model.chat, app: { limits: { chat: 4 }, maxWaiting: 8 } });
  const pump = setInterval(model.release, 20);
  const paths = ["/api/chat", "/v1/chat/completions", "/v1/messages"];
  const answers = await Promise.all(
    Array.from({ length: 120 }, (_, n) =>
      post(url, paths[n % 3] ?? "", {
        ...chatOf(`hello ${n}`),
        model: "switchyard/chat",
        max_tokens: 9,
        stream: false,
      }),
    ),
  );
  clearInterval(pump);
  const done = answers.filter((answer) => answer.status === 200);
  const refused = answers.filter((answer) => answer.status === 429);
  expect(done.length + refused.length).toBe(120);
  expect(done.length).toBeGreaterThanOrEqual(12);
  expect(refused.length).toBeGreaterThan(0);
  expect(model.state.most).toBeLessThanOrEqual(4);
  expect(model.state.answered).toBe(done.length);
  for (const answer of refused) {
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    const body = await answer.text();
    if (answer.url.endsWith("/v1/messages")) expect(body).toContain('"rate_limit_error"');
    else expect(JSON.parse(body)).toHaveProperty("error");
  }
});

it("lets clients take turns, so that one with many requests does not keep another out", async () => {
  const model = heldModel();
  const { url, app, asked } = await startProxy({ chat: model.chat, app: { limits: { chat: 1 } } });
  const waiting = () => app.turns.state("chat").waiting;
  const ask = (client: string, n: number) =>
    post(
      url,
      "/api/chat",
      { ...chatOf(`hello ${client} ${n}`), model: "switchyard/chat" },
      { headers: { ...known, "user-agent": client } },
    );
  const answers = [ask("greedy", 0)];
  await until(() => model.waiting.length === 1);
  for (let n = 1; n < 6; n++) answers.push(ask("greedy", n));
  await until(() => waiting() === 5);
  answers.push(ask("modest", 0));
  await until(() => waiting() === 6);
  const pump = setInterval(model.release, 5);
  await Promise.all(answers);
  clearInterval(pump);
  expect(asked()[1]?.messages.at(-1)?.content).toContain("hello modest 0");
});

it("case 22: holds the model back for a client that does not read", async () => {
  let sentBytes = 0;
  // Never the same twice: the guard against loops would end it for another reason.
  const piece = () => tokenLine(randomBytes(30_000).toString("base64"));
  const { port } = await startProxy({
    chat: (_, response) => {
      beginLines(response);
      const more = () => {
        while (!response.destroyed && sentBytes < 400_000_000) {
          const line = piece();
          sentBytes += line.length;
          if (!response.write(line)) return void response.once("drain", more);
        }
      };
      more();
    },
  });
  const body = JSON.stringify(chatOf("a story"));
  const socket = connect(port, "127.0.0.1");
  socket.pause();
  socket.write(
    `POST /api/chat HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  let before = -1;
  while (sentBytes === 0 || sentBytes !== before) {
    before = sentBytes;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect(sentBytes).toBeLessThan(40_000_000);
  socket.destroy();
});

it("case 29: cuts nothing when it is stopped: says that it is going, takes nothing new, finishes what is begun, and is gone", async () => {
  const model = heldModel();
  const { url, proxy } = await startProxy({ chat: model.chat });
  const answers = Array.from({ length: 3 }, (_, n) =>
    post(url, "/v1/chat/completions", { ...chatOf(`hello ${n}`), stream: true }).then((answer) => answer.text()),
  );
  await until(() => model.state.working === 3);
  const gone = proxy.drain(5_000);
  expect((await fetch(`${url}/health`)).status).toBe(503);
  const late = await post(url, "/v1/messages", { ...chatOf("late"), max_tokens: 5 });
  expect(late.status).toBe(503);
  expect(late.headers.get("retry-after")).toBe("5");
  model.release();
  for (const text of await Promise.all(answers)) expect(text).toContain("[DONE]");
  await gone;
  await expect(fetch(`${url}/health`)).rejects.toThrow();
});

it("case 29: stops what takes longer than it may when it is stopped, never as if it were whole", async () => {
  let left = 0;
  const { url, proxy } = await startProxy({ chat: sayForever(() => left++) });
  const answer = await post(url, "/v1/messages", { ...chatOf("a story"), stream: true, max_tokens: 500 });
  const text = answer.text().catch(() => "cut");
  await proxy.drain(100);
  expect(await text).not.toContain("message_stop");
  await until(() => left === 1);
});
