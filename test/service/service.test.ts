// One service for all windows and shells of a person.
import { readdir, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { createControl } from "../../src/proxy/control.ts";
import type { ProxyServer } from "../../src/proxy/server.ts";
import { elect, isNewer } from "../../src/service/election.ts";
import { findService, publish, unpublish } from "../../src/service/publication.ts";
import { watchService } from "../../src/service/watch-service.ts";
import { beginLines, doneLine, tokenLine } from "../backends/scripted-server.ts";
import { known, post, startProxy, token } from "../proxy/harness.ts";
import { eventually, newShell, type Shell } from "./serving.ts";

async function shell(): Promise<Shell> {
  const made = await newShell();
  onTestFinished(made.close);
  return made;
}

const { signal } = new AbortController();
const isGone = (pid: number) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

describe("starting", () => {
  it("twenty at once ends as one service, and each says where it is", async () => {
    const { home, start, port } = await shell();
    const started = Array.from({ length: 20 }, () => start(["serve"]));
    const said = await Promise.all(
      started.map((each) =>
        eventually(() => /(?:Listening|Already listening) at \S+/.exec(each.out())?.[0] || undefined),
      ),
    );
    expect(said.filter((text) => text.startsWith("Listening"))).toHaveLength(1);
    expect(new Set(said.map((text) => text.replace(/.* at /, "")))).toEqual(
      new Set([`http://127.0.0.1:${await port()}`]),
    );
    // Who said so last may be about to let go of it.
    await expect.poll(async () => (await readdir(home)).filter((name) => name.startsWith("proxy.lock"))).toEqual([]);
  });

  it("in the background leaves a service that answers, and stopping ends it", async () => {
    const { home, run, token: ownToken } = await shell();
    const begun = await run(["serve", "--background"]);
    expect(begun).toMatchObject({ code: 0, out: expect.stringMatching(/^Listening at http:\/\/127\.0\.0\.1:\d+\n$/) });
    const found = await findService(home, await ownToken(), signal);
    expect(found).toBeDefined();
    expect((await run(["serve", "--background"])).out).toBe(begun.out);
    expect((await stat(join(home, "proxy.json"))).mode & 0o777).toBe(0o600);
    expect((await run(["serve", "--stop"])).err).toContain("Stopped the service at");
    await eventually(() => isGone(found?.pid ?? 0));
    expect(await findService(home, await ownToken(), signal)).toBeUndefined();
    expect((await run(["serve", "--stop"])).err).toContain("No service runs.");
  });
});

describe("a service that nobody needs", () => {
  it("ends, but not while somebody listens", async () => {
    const { start, port, token: ownToken } = await shell();
    const started = start(["serve", "--idle", "0.03"]);
    const url = `http://127.0.0.1:${await port()}`;
    const headers = { authorization: `Bearer ${await ownToken()}` };
    const watching = new AbortController();
    const watch = await fetch(`${url}/service/watch`, { headers, signal: watching.signal });
    expect(watch.status).toBe(200);
    await sleep(3_000);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    watching.abort();
    expect(await started.ended).toBe(0);
  });
});

/** A service of some version that is published, in this process, over a scripted model. */
async function publishedService(home: string, version: string, chat?: Parameters<typeof startProxy>[0]) {
  let hasStopped = false;
  let proxy: ProxyServer | undefined;
  const running = await startProxy({
    ...chat,
    options: {
      mounts: () => [
        createControl(token, {
          async stop() {
            proxy?.release();
            await unpublish(home, process.pid);
            hasStopped = true;
          },
          drain: async () => ({ inFlight: 0 }),
        }),
      ],
    },
  });
  proxy = running.proxy;
  await publish(home, { pid: process.pid, host: "127.0.0.1", port: running.port, version });
  return { ...running, hasStopped: () => hasStopped };
}

describe("versions", () => {
  it.each([
    ["0.2.0", "0.1.9", true],
    ["0.10.0", "0.9.0", true],
    ["1.0.0", "1.0.0", false],
    ["0.1.0", "0.2.0", false],
    ["1.2.3-beta.4", "1.2.3", false],
  ])("%s is newer than %s: %s", (one, other, expected) => expect(isNewer(one, other)).toBe(expected));

  it("the newest wins: the old one lets go of its address and finishes what it has begun", async () => {
    const { home } = await shell();
    const release = Promise.withResolvers<void>();
    const old = await publishedService(home, "0.1.0", {
      chat: (_, response) => {
        beginLines(response);
        response.write(tokenLine("begun "));
        void release.promise.then(() => response.end(tokenLine("and done") + doneLine()));
      },
    });
    const answer = post(old.url, "/api/chat", { model: "llama3.1:8b", messages: [{ role: "user", content: "hi" }] });
    await eventually(() => old.asked().length === 1);
    const election = await elect({ home, token, version: "0.2.0", host: "127.0.0.1" }, signal);
    expect(election).toMatchObject({ kind: "ours", replaced: { version: "0.1.0" } });
    expect(old.hasStopped()).toBe(true);
    const next = createServer((_, response) => response.end("new"));
    await new Promise<void>((resolve, reject) => {
      next.once("error", reject);
      next.listen(old.port, "127.0.0.1", resolve);
    });
    onTestFinished(() => void next.close());
    release.resolve();
    expect(await (await answer).text()).toContain("and done");
    if (election.kind === "ours") await election.settle();
  });

  it("one that is not newer uses what runs", async () => {
    const { home } = await shell();
    const { hasStopped } = await publishedService(home, "0.2.0");
    for (const version of ["0.2.0", "0.1.0"]) {
      const election = await elect({ home, token, version, host: "127.0.0.1" }, signal);
      expect(election).toMatchObject({ kind: "running", publication: { version: "0.2.0" } });
    }
    expect(hasStopped()).toBe(false);
  });

  it("what does not know the token can neither stop it nor watch it", async () => {
    const { home } = await shell();
    const { url, hasStopped } = await publishedService(home, "0.2.0");
    for (const [method, path] of [
      ["POST", "/service/stop"],
      ["GET", "/service/watch"],
    ] as const) {
      const headers = { "content-type": "application/json", authorization: "Bearer wrong" };
      const answer = await fetch(`${url}${path}`, { method, headers, ...(method === "POST" ? { body: "{}" } : {}) });
      expect(answer.status).toBe(401);
    }
    expect(hasStopped()).toBe(false);
  });
});

describe("who watches the service", () => {
  it("hears which program asks for what, and not what it says; and that it ends", async () => {
    let control: ReturnType<typeof createControl> | undefined;
    const { port, url, proxy } = await startProxy({
      options: {
        mounts: () => {
          control = createControl(token, { stop: async () => undefined, drain: async () => ({ inFlight: 0 }) });
          return [control];
        },
        seen: (route, agent) => control?.seen(route, agent),
      },
    });
    const publication = { pid: process.pid, host: "127.0.0.1", port, version: "1.0.0" };
    const heard: unknown[] = [];
    for await (const seen of watchService(publication, token, signal)) {
      heard.push(seen);
      if (seen.kind === "watching") {
        const body = { model: "llama3.1:8b", messages: [{ role: "user", content: "canary" }] };
        await post(url, "/v1/chat/completions", body, {
          headers: { ...known, "user-agent": "codex_cli/1.0" },
        }).then((answer) => answer.text());
      } else if (seen.kind === "seen") void proxy.drain(0);
    }
    expect(heard).toEqual([
      { kind: "watching" },
      { kind: "seen", route: "POST /v1/chat/completions", agent: "codex_cli/1.0" },
      { kind: "stopping" },
    ]);
  });
});
