// Clients that go at any moment, and such as do not read: nothing is held for them.
import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { beginLines, doneLine, type Handler, tokenLine } from "../backends/scripted-server.ts";
import { known, post, startProxy } from "./harness.ts";

const question = (text: string, stream = true) => ({
  model: "llama3.1:8b",
  stream,
  messages: [{ role: "user", content: text }],
});

/** Slow in every part, so that clients leave in each. */
const slowly: Handler = async (_, response) => {
  await sleep(20);
  beginLines(response);
  for (let token = 0; token < 5 && !response.destroyed; token++) {
    await sleep(10);
    response.write(tokenLine(`word${token} `));
  }
  response.end(doneLine());
};

it("whenever clients leave, their seats and turns are given back, and the next is answered", async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on("unhandledRejection", note);
  const { url, port, app } = await startProxy({ chat: slowly, slots: 2 });
  const ask = (index: number) =>
    new Promise<void>((resolve) => {
      // Each asks something of its own, but for some that wait for the answer to the same.
      const body = JSON.stringify(question(`question ${index % 5 === 0 ? 0 : index}`, index % 3 !== 0));
      const path = index % 2 === 0 ? "/api/chat" : "/v1/chat/completions";
      const request = httpRequest({ port, method: "POST", path, headers: known, agent: false }, (response) => {
        response.on("data", () => undefined);
        response.on("error", () => undefined);
      });
      request.on("error", () => undefined);
      request.on("close", resolve);
      request.end(body);
      setTimeout(() => request.destroy(), index * 5);
    });
  await Promise.all(Array.from({ length: 60 }, (_, index) => ask(index)));
  await expect.poll(() => app.nodes.state().map(({ inFlight }) => inFlight)).toEqual([0]);
  expect([app.turns.state("chat"), app.nodes.waiting().count]).toEqual([{ working: 0, waiting: 0 }, 0]);
  const answer = await (await post(url, "/api/chat", question("the last one", false))).json();
  expect(answer).toMatchObject({ message: { content: expect.stringMatching(/^word0 /) } });
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

it("what a client does not read stays with the model server, and its seat is given back when it goes", async () => {
  const model = { sent: 0, isClosed: false };
  const { port, app } = await startProxy({
    chat: (_, response) => {
      beginLines(response);
      response.on("close", () => {
        model.isClosed = true;
      });
      const go = () => {
        while (!model.isClosed && model.sent < 100e6) {
          // Never the same: a model that repeats itself is stopped.
          const line = tokenLine(`${randomBytes(700).toString("base64")} `);
          model.sent += line.length;
          if (!response.write(line)) return void response.once("drain", go);
        }
        response.end(doneLine());
      };
      go();
    },
  });
  const client = connect(port, "127.0.0.1");
  client.on("error", () => undefined);
  const body = JSON.stringify(question("Say much."));
  const head = Object.entries({ ...known, "content-length": body.length }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  client.write(`POST /api/chat HTTP/1.1\r\nhost: 127.0.0.1\r\n${head.join("")}\r\n${body}`);
  client.pause();
  let before = -1;
  while (model.sent === 0 || model.sent !== before) {
    before = model.sent;
    await sleep(300);
  }
  expect(model).toMatchObject({ isClosed: false });
  // Buffers of the system, twice.
  expect(model.sent).toBeLessThan(60e6);
  expect(app.nodes.state()).toMatchObject([{ inFlight: 1 }]);
  client.destroy();
  await expect.poll(() => [model.isClosed, app.nodes.state()[0]?.inFlight]).toEqual([true, 0]);
});
