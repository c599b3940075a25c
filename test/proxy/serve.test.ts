// `switchyard serve` as a process of its own, as people start it.
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { beginLines, doneLine, ollamaRoutes, startScriptedServer, tokenLine } from "../backends/scripted-server.ts";
import { type Command, startCommand } from "../harness/command-line.ts";
import { rawRequest, until } from "./harness.ts";

interface Started extends Command {
  readonly home: string;
}

async function serve(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  at?: string,
  through: readonly string[] = [],
): Promise<Started> {
  const home = at ?? (await mkdtemp(join(tmpdir(), "switchyard-serve-")));
  if (!at) onTestFinished(() => rm(home, { recursive: true, force: true }));
  const own = { SWITCHYARD_HOME: home, SWITCHYARD_ENGINE: "ollama", SWITCHYARD_OLLAMA_URL: "http://127.0.0.1:9" };
  const command = startCommand(["serve", ...args], { env: { ...own, ...env }, through });
  onTestFinished(async () => {
    command.child.kill("SIGKILL");
    await command.ended;
  });
  return { ...command, home };
}

async function addressOf({ out }: Started): Promise<number> {
  await until(() => out().includes("Listening at"));
  return Number(/:(\d+)/.exec(out())?.[1]);
}

async function hold(port: number): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((_, response) => response.end("other"));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  onTestFinished(() => void server.close());
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

it("shows its token, which is kept where only this person can read it", async () => {
  const first = await serve(["--show-token"]);
  expect(await first.ended).toBe(0);
  const token = first.out().trim();
  expect(token.length).toBeGreaterThan(30);
  const path = join(first.home, "proxy-token");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await readFile(path, "utf8")).trim()).toBe(token);
  const again = await serve(["--show-token"], {}, first.home);
  await again.ended;
  expect(again.out().trim()).toBe(token);
});

it("publishes where it is, answers this machine alone, and ends cleanly when told to", async () => {
  const started = await serve(["--port", "0"]);
  const port = await addressOf(started);
  const path = join(started.home, "proxy.json");
  expect(JSON.parse(await readFile(path, "utf8"))).toEqual({
    pid: started.child.pid,
    host: "127.0.0.1",
    port,
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
  });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await rawRequest(port, { path: "/health" })).text).toBe('{"status":"ok"}');
  expect((await rawRequest(port, {})).status).toBe(401);
  const listening = (await readFile("/proc/net/tcp", "utf8")).split("\n").map((line) => line.trim().split(/\s+/));
  const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  expect(listening.filter((line) => line[3] === "0A" && line[1]?.endsWith(hex)).map((line) => line[1])).toEqual([
    `0100007F${hex}`,
  ]);
  started.child.kill("SIGTERM");
  expect(await started.ended).toBe(0);
  await expect(stat(path)).rejects.toThrow("ENOENT");
});

it("case 30: says who has the port it was told to take, and fails", async () => {
  const { port } = await hold(0);
  const started = await serve(["--port", String(port)]);
  expect(await started.ended).not.toBe(0);
  expect(started.err()).toContain(`Port ${port} is taken by`);
  expect(started.err()).toContain(`(${process.pid})`);
});

it("case 30: takes the next free port where its usual one is taken, and says so", async () => {
  const take = async () => {
    const isOurs = await hold(8000).then(
      () => true,
      () => false,
    );
    const service = await serve([]);
    return { isOurs, service, address: await addressOf(service) };
  };
  let taken = await take();
  // Another program had it, and let go of it before it was asked for.
  if (!taken.isOurs && taken.address === 8000) taken = await take();
  const { service: started, address: port } = taken;
  expect(port).toBeGreaterThan(8000);
  expect(port).toBeLessThan(8020);
  expect(started.err()).toContain("Port 8000 is taken by");
  expect(JSON.parse(await readFile(join(started.home, "proxy.json"), "utf8")).port).toBe(port);
});

/** A port that only the administrator may take, of a process that has no such right; undefined where the system asks for none. */
function withoutRight(): { readonly port: number; readonly through: readonly string[] } | undefined {
  const file = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  const isFree = !existsSync(file) || Number(readFileSync(file, "utf8")) <= 80;
  if (isFree) return undefined;
  return { port: 80, through: process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-net_bind_service"] : [] };
}
const forbidden = withoutRight();

it.skipIf(!forbidden)("a port that it has no right to is told as that, not as taken", async () => {
  const started = await serve(["--port", String(forbidden?.port)], {}, undefined, forbidden?.through);
  expect(await started.ended).toBe(2);
  expect(started.err()).toContain("does not let you listen at port 80 (EACCES)");
  expect(started.err()).toContain("such as --port 8000");
  expect(started.err()).not.toContain("taken");
});

it("case 43: opens to other machines only with a token", async () => {
  const started = await serve(["--port", "0", "--host", "0.0.0.0", "--no-token"]);
  expect(await started.ended).toBe(2);
  expect(started.err()).toContain("Without a token only this machine may connect");
  expect(started.out()).toBe("");
});

it("serves programs of this machine without a token where it was told to, web pages still not", async () => {
  const port = await addressOf(await serve(["--port", "0", "--no-token"]));
  expect((await rawRequest(port, { path: "/api/version" })).status).toBe(200);
  expect((await rawRequest(port, { path: "/api/version", headers: { origin: "https://evil.example" } })).status).toBe(
    403,
  );
  expect((await rawRequest(port, { path: "/api/version", headers: { host: "evil.example" } })).status).toBe(403);
});

it("case 29: finishes an answer that is begun when it is told to end, and writes no prompt anywhere", async () => {
  let begun = 0;
  const ollama = await startScriptedServer({
    ...ollamaRoutes([
      { name: "m:1", size: 10, digest: "d", details: { context_length: 4096 }, capabilities: ["completion"] },
    ]),
    "POST /api/chat": (_, response) => {
      begun++;
      beginLines(response);
      response.write(tokenLine("begun "));
      setTimeout(() => response.end(tokenLine("and done") + doneLine()), 700);
    },
  });
  onTestFinished(() => ollama.close());
  const env = { SWITCHYARD_OLLAMA_URL: ollama.url, SWITCHYARD_PROXY_TOKEN: "given", SWITCHYARD_LOG: "1" };
  const started = await serve(["--port", "0"], env);
  const port = await addressOf(started);
  const answer = rawRequest(port, {
    method: "POST",
    path: "/api/chat",
    headers: { "x-api-key": "given", "content-type": "application/json" },
    body: JSON.stringify({ model: "m:1", messages: [{ role: "user", content: "secret-canary /home/me/plan.txt" }] }),
  });
  await until(() => begun === 1);
  started.child.kill("SIGTERM");
  const { text } = await answer;
  expect(text).toContain("and done");
  expect(text).toContain('"done":true');
  expect(await started.ended).toBe(0);
  expect(started.out() + started.err()).toContain("POST /api/chat");
  expect(started.out() + started.err()).not.toMatch(/canary|plan\.txt|given/);
});

it("is one service for all shells: a second one says where it is and ends", async () => {
  const first = await serve([]);
  const port = await addressOf(first);
  const second = await serve([], {}, first.home);
  expect(await second.ended).toBe(0);
  expect(second.out()).toContain(`Already listening at http://127.0.0.1:${port}`);
  // One that was killed is published still, and is not taken for a living one.
  first.child.kill("SIGKILL");
  await first.ended;
  expect(await addressOf(await serve([], {}, first.home))).toBeGreaterThanOrEqual(8000);
});

it("shows its token to nobody who only has the port that a service had", async () => {
  const seen: string[] = [];
  const liar = createServer((request, response) => {
    seen.push(JSON.stringify(request.headers));
    response.end('{"status":"ok","service":"switchyard","proof":"0000"}');
  });
  await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void liar.close());
  const first = await serve(["--show-token"]);
  await first.ended;
  const address = liar.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const publication = { pid: process.pid, host: "127.0.0.1", port, version: "0.1.0" };
  await writeFile(join(first.home, "proxy.json"), JSON.stringify(publication));
  expect(await addressOf(await serve([], {}, first.home))).not.toBe(port);
  expect(seen).toHaveLength(1);
  expect(seen[0]).not.toContain(first.out().trim());
});

it("does not ask itself without end where it is named as the model server", async () => {
  const { server, port } = await hold(0);
  await new Promise((resolve) => server.close(resolve));
  const started = await serve(["--port", String(port), "--no-token"], { OLLAMA_HOST: `localhost:${port}` });
  expect(await started.ended).toBe(2);
  expect(started.err()).toContain("this very service");
});
