// A download by a server that stands still, is cut or refuses: what is asked for again, and what is said.
import { afterEach, describe, expect, it } from "vitest";
import type { PullLimits } from "../../src/backends/steady-pull.ts";
import { all, failure, layer, type PullServer, startPullServer, success, theRest } from "./pull-server.ts";

const limits: PullLimits = { stallMs: 250, tries: 3, pauseMs: 10 };
const never = new AbortController().signal;
let server: PullServer;
afterEach(() => server.close());

describe("a download by a server", () => {
  it("is asked for again when no new byte comes, though the server goes on talking", async () => {
    server = await startPullServer((response) => {
      layer(response, 400);
      const timer = setInterval(() => layer(response, 400), 30);
      response.once("close", () => clearInterval(timer));
    }, theRest);
    const seen = await all(server.backend(limits).pull("m", never));
    expect(server.asks()).toBe(2);
    expect(seen.at(-1)).toMatchObject({ status: "success", completedBytes: 1000, totalBytes: 1000, restarts: 1 });
  });

  it("goes on after the line was cut, and its figures never go back", async () => {
    server = await startPullServer(
      (response) => {
        layer(response, 700);
        setTimeout(() => response.destroy(), 20);
      },
      (response) => {
        layer(response, 100);
        layer(response, 1000);
        layer(response, 1000, "b");
        success(response);
      },
    );
    const seen = await all(server.backend(limits).pull("m", never));
    const bytes = seen.flatMap((each) => (each.completedBytes === undefined ? [] : [each.completedBytes]));
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({ completedBytes: 2000, totalBytes: 2000 });
  });

  it("is given up when nothing comes in several tries, and says that what came is kept", async () => {
    server = await startPullServer((response) => layer(response, 400));
    await expect(all(server.backend(limits).pull("m", never))).rejects.toMatchObject({
      kind: "network",
      message: expect.stringMatching(/Nothing came from test server in 3 tries. What arrived is kept/),
    });
    expect(server.asks()).toBe(4);
  });

  it("is not asked for again when the server refuses", async () => {
    server = await startPullServer((response) => failure(response, "pull model manifest: file does not exist"));
    await expect(all(server.backend(limits).pull("m", never))).rejects.toMatchObject({
      kind: "bad-input",
      message: "The library of test server has no model m. Look its name up at ollama.com/library.",
    });
    expect(server.asks()).toBe(1);
  });

  // As Ollama 0.17.4 says it without a network.
  it("says where the library cannot be reached what to look at", async () => {
    const text =
      'pull model manifest: Get "https://library/v2/m": dial tcp: lookup library on 10.0.0.1:53: no such host';
    server = await startPullServer((response) => failure(response, text));
    await expect(all(server.backend(limits).pull("m", never))).rejects.toMatchObject({
      kind: "network",
      message: expect.stringMatching(/cannot reach the library .*no such host.*HTTPS_PROXY.*downloadProxy/),
    });
    expect(server.asks()).toBe(1);
  });

  it("says that the server is too old for the model", async () => {
    const text = "pull model manifest: 412: The model you are attempting to pull requires a newer version of Ollama.";
    server = await startPullServer((response) => failure(response, text));
    await expect(all(server.backend(limits).pull("m", never))).rejects.toThrow(
      "test server is too old for m. Update Ollama",
    );
  });

  it("may take its time to check what came", async () => {
    server = await startPullServer((response) => {
      layer(response, 1000);
      response.write(`${JSON.stringify({ status: "verifying sha256 digest" })}\n`);
      setTimeout(() => success(response), limits.stallMs * 2);
    });
    await all(server.backend(limits).pull("m", never));
    expect(server.asks()).toBe(1);
  });
});
