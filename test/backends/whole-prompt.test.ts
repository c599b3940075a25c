// Servers that drop the beginning of a prompt without a word: none of them ever gets to answer.
import { describe, expect, it } from "vitest";
import { startOllama } from "./ollama-server.ts";
import { request as plain } from "./sample-request.ts";
import { beginLines, doneLine, type Handler, sendJson, tokenLine } from "./scripted-server.ts";

const never = new AbortController().signal;

interface Cutting {
  /** Window the server really uses, tokens; it never refuses. */
  readonly window: number;
  /** Whether `/api/ps` tells it. */
  readonly tells: boolean;
}

/** Reads four characters as a token, keeps the end of what does not fit, and says nothing of it. */
async function cuttingServer({ window, tells }: Cutting) {
  const answered: string[] = [];
  const chat: Handler = (_, response, body) => {
    const { messages, stream } = JSON.parse(body);
    const text = messages.map((message: { content: string }) => message.content).join("");
    const read = Math.min(Math.ceil(text.length / 4), window);
    if (stream === false) {
      sendJson(response, {
        model: "m",
        message: { content: "x" },
        done: true,
        prompt_eval_count: read,
        eval_count: 1,
      });
      return;
    }
    answered.push(text);
    beginLines(response);
    response.end(tokenLine("an answer") + doneLine({ prompt_eval_count: read }));
  };
  const routes: Record<string, Handler> = {
    "GET /api/ps": (_, response) =>
      sendJson(response, {
        models: [{ name: "m", size: 1, size_vram: 0, ...(tells ? { context_length: window } : {}) }],
      }),
  };
  return { ...(await startOllama(chat, routes)), answered };
}

const request = (characters: number) => ({
  ...plain,
  messages: [{ role: "user" as const, content: "word ".repeat(characters / 5) }],
  contextTokens: 16384,
  promptTokens: Math.ceil(characters / 3.2),
});

describe("a long prompt", () => {
  for (const tells of [true, false]) {
    const how = tells ? "tells its window" : "tells nothing";
    it(`is refused with numbers by us where a server that ${how} would cut it`, async () => {
      for (const characters of [8400, 12_000, 20_000, 40_000, 48_000]) {
        const { backend, answered } = await cuttingServer({ window: 2050, tells });
        await expect(
          Array.fromAsync(backend.run(request(characters), never)),
          String(characters),
        ).rejects.toMatchObject({
          kind: "context-overflow",
          details: { promptTokens: request(characters).promptTokens, contextTokens: 2050 },
        });
        expect(answered).toEqual([]);
      }
    });

    it(`is answered where a server that ${how} reads it whole, and asked about once`, async () => {
      const { backend, answered, server } = await cuttingServer({ window: 16384, tells });
      for (let round = 0; round < 3; round++) {
        const events = await Array.fromAsync(backend.run(request(40_000), never));
        expect(events.at(-1)).toMatchObject({ kind: "done" });
      }
      expect(answered).toHaveLength(3);
      expect(server.requests.filter((each) => each === "POST /api/chat").length).toBeLessThanOrEqual(3 + 5);
    });
  }

  it("that is dense in few tokens is not taken for a cut one", async () => {
    const { backend, answered } = await cuttingServer({ window: 16384, tells: false });
    // Rules and blanks: far fewer tokens than reckoned.
    await Array.fromAsync(backend.run({ ...request(40_000), promptTokens: 40_000 }, never));
    expect(answered).toHaveLength(1);
  });

  it("is not asked about when it is short", async () => {
    const { backend, server } = await cuttingServer({ window: 2050, tells: false });
    await Array.fromAsync(backend.run(request(4000), never));
    expect(server.requests.filter((each) => each === "POST /api/chat")).toHaveLength(1);
  });
});
