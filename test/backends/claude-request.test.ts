// What goes out to Claude: the question in the form that is taken, and nothing about the machine or the person.
import { describe, expect, it, vi } from "vitest";
import { ClaudeBackend, type ClaudeOptions } from "../../src/backends/claude.ts";
import type { ModelRequest } from "../../src/core/backend.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { answer, type ClaudeServer, fieldsOf, testKey } from "./claude-server.ts";
import { claudeServers } from "./claude-servers.ts";

const start = claudeServers();
const serve = (...script: Parameters<ClaudeServer["answerWith"]>) =>
  start(script.length > 0 ? script : [answer({ texts: ["A"], pauseMs: 0 })]);

function connect(url: string, over: Partial<ClaudeOptions> = {}): ClaudeBackend {
  return new ClaudeBackend({ apiKey: async () => testKey, baseUrl: () => url, ...over });
}

const request: ModelRequest = {
  model: "claude-sonnet-5-5",
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Why is the sky blue?" },
  ],
  sampling: { temperature: 0.2, topP: 0.9, repeatPenalty: 1.1 },
  contextTokens: 8192,
  maxTokens: 500,
  think: false,
};

async function ask(backend: ClaudeBackend, asked: ModelRequest = request): Promise<{ text: string; error?: unknown }> {
  let text = "";
  try {
    for await (const event of backend.run(asked, new AbortController().signal)) {
      if (event.kind === "text") text += event.text;
    }
    return { text };
  } catch (error) {
    return { text, error };
  }
}

const kindOf = (error: unknown) => (error instanceof TaskError ? error.kind : String(error));

describe("what is sent to Claude", () => {
  async function sent(over: Partial<ModelRequest>) {
    const server = await serve();
    const { error } = await ask(connect(server.url), { ...request, ...over });
    expect(error).toBeUndefined();
    return fieldsOf(server.requests[0]?.body);
  }

  it("has the rules apart and kept, the limit, and no sampling, which is refused since October 2026", async () => {
    const body = await sent({});
    expect(body).toEqual({
      model: "claude-sonnet-5-5",
      max_tokens: 500,
      stream: true,
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
      messages: [{ role: "user", content: [{ type: "text", text: "Why is the sky blue?" }] }],
      thinking: { type: "between_tools" },
    });
  });
  it("asks for the most that the model can answer where no limit is given, and never for more", async () => {
    const { maxTokens: _, ...unlimited } = request;
    const server = await serve();
    await ask(connect(server.url), unlimited);
    expect(server.requests[0]?.body).toMatchObject({ max_tokens: 128_000 });
    expect(await sent({ maxTokens: 1_000_000 })).toMatchObject({ max_tokens: 128_000 });
    expect(await sent({ model: "claude-of-tomorrow", maxTokens: 1_000_000 })).toMatchObject({ max_tokens: 8192 });
  });
  it.each([
    ["claude-haiku-5-5", { thinking: { type: "disabled" } }],
    ["claude-sonnet-5-5", { thinking: { type: "between_tools" } }],
    ["claude-opus-5-5", { output_config: { effort: "low" } }],
    ["claude-fable-5-1", { output_config: { effort: "low" } }],
  ])("tells %s in its own way not to think", async (model, expected) => {
    const body = await sent({ model });
    expect({ ...expected, ...pick(body, "thinking", "output_config") }).toEqual(expected);
    expect(body).toMatchObject(expected);
  });
  it("asks for thoughts that can be read where thinking is wanted", async () => {
    expect(await sent({ think: true })).toMatchObject({ thinking: { type: "adaptive", display: "summarized" } });
  });
  it("marks a long conversation at the last question, so that a follow-up is read from the cache", async () => {
    const long = "x".repeat(5_000);
    const body = await sent({
      messages: [
        { role: "user", content: long },
        { role: "assistant", content: "An x." },
        { role: "user", content: "Again?" },
      ],
    });
    expect(body["messages"]).toEqual([
      { role: "user", content: [{ type: "text", text: long }] },
      { role: "assistant", content: [{ type: "text", text: "An x." }] },
      { role: "user", content: [{ type: "text", text: "Again?", cache_control: { type: "ephemeral" } }] },
    ]);
  });
  it("leaves out messages with nothing in them, which would be refused", async () => {
    const body = await sent({ messages: [{ role: "system", content: " " }, ...request.messages.slice(1)] });
    expect(body["system"]).toBeUndefined();
  });
  it("has the schema in the form that Claude takes: bounds as words, nothing but what it names", async () => {
    const format = { type: "object", properties: { title: { type: "string", maxLength: 120 } }, required: ["title"] };
    expect(await sent({ format })).toMatchObject({
      output_config: {
        format: {
          type: "json_schema",
          schema: {
            type: "object",
            additionalProperties: false,
            required: ["title"],
            properties: { title: { type: "string", description: "{maxLength: 120}" } },
          },
        },
      },
    });
    expect(JSON.stringify(await sent({ format }))).not.toContain('"maxLength"');
  });
  it("has pictures by what they are, before the question", async () => {
    const images = ["iVBORw0KGgoAAAA=", "/9j/4AAQ", "R0lGODlh", "UklGRiQA"];
    const body = await sent({ messages: [{ role: "user", content: "What is this?", images }] });
    const types = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    expect(body["messages"]).toEqual([
      {
        role: "user",
        content: [
          ...images.map((data, at) => ({ type: "image", source: { type: "base64", media_type: types[at], data } })),
          { type: "text", text: "What is this?" },
        ],
      },
    ]);
  });
  it("is not sent with a picture that Claude cannot read", async () => {
    const server = await serve();
    const messages = [{ role: "user" as const, content: "?", images: ["PHN2Zz4="] }];
    const { error } = await ask(connect(server.url), { ...request, messages });
    expect(kindOf(error)).toBe("bad-input");
    expect(server.requests).toHaveLength(0);
  });
  it("goes out with these headers and no others: nothing about the machine or the person", async () => {
    vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "another-token");
    vi.stubEnv("ANTHROPIC_CUSTOM_HEADERS", "");
    const server = await serve();
    // As elsewhere than on this machine.
    await ask(connect(server.url, { fetch }));
    const headers = server.requests[0]?.headers ?? {};
    expect(Object.keys(headers).sort((a, b) => a.localeCompare(b))).toEqual([
      "accept",
      "accept-encoding",
      "accept-language",
      "anthropic-version",
      "authorization",
      "connection",
      "content-length",
      "content-type",
      "host",
      "sec-fetch-mode",
      "user-agent",
      "x-stainless-package-version",
      "x-stainless-retry-count",
      "x-stainless-timeout",
    ]);
    expect(headers).toMatchObject({
      authorization: `Bearer ${testKey}`,
      "anthropic-version": "2026-10-21",
      "accept-language": "*",
      "user-agent": expect.stringMatching(/^Anthropic\/JS [\d.]+$/),
    });
  });
  it("goes where the setting says, whatever the environment says", async () => {
    const [chosen, other] = [await serve(), await serve(answer({ texts: ["B"] }))];
    vi.stubEnv("ANTHROPIC_BASE_URL", other.url);
    expect((await ask(connect(chosen.url))).text).toBe("A");
    await ask(connect(`${chosen.url}/gateway/`));
    expect(chosen.requests[1]?.path).toBe("/gateway/v1/messages");
    expect(other.requests).toHaveLength(0);
    const seen: string[] = [];
    const spy: typeof fetch = async (input) => {
      seen.push(String(input));
      throw new TypeError("fetch failed");
    };
    await ask(connect("", { fetch: spy, maxRetryWaitMs: 0 }));
    expect(seen).toEqual(["https://api.anthropic.com/v1/messages"]);
  });
  it.each([
    "http://gateway.example",
    "http://10.0.0.5:4000",
    "ftp://127.0.0.1",
    "not an address",
    "https://me@gate",
    "https://me:pw@gate",
  ])("does not go to %s, where the key could be read", async (url) => {
    const spy = vi.fn<typeof fetch>();
    const { error } = await ask(connect(url, { fetch: spy }));
    expect(kindOf(error)).toBe("bad-input");
    expect(String(error)).toContain("claudeBaseUrl");
    expect(spy).not.toHaveBeenCalled();
  });
  it("does not follow a redirect to another host", async () => {
    const other = await serve();
    const server = await serve((response) => response.writeHead(307, { location: `${other.url}/v1/messages` }).end());
    const { error } = await ask(connect(server.url, { maxRetryWaitMs: 0 }));
    expect(kindOf(error)).toBe("server-error");
    expect(other.requests).toHaveLength(0);
  });
});

function pick(body: Readonly<Record<string, unknown>>, ...names: readonly string[]) {
  return Object.fromEntries(Object.entries(body).filter(([name]) => names.includes(name)));
}
