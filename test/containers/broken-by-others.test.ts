// What others did to the containers and what they are made of: each start puts it right, and none makes it worse.
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { ask, type DockerEngine } from "../../scripts/docker.ts";
import { takeLock } from "../../src/containers/lock.ts";
import { formatMessage } from "../../src/core/message.ts";
import type { UpEvent } from "../../src/core/services.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { type Bench, containers, createBench, dockerd, inspect, never, short, startTestEngine, up } from "./harness.ts";

let engine: DockerEngine | undefined;
let bench: Bench;
beforeAll(async () => {
  engine = await startTestEngine();
}, 120_000);
afterAll(() => engine?.dispose());

const socket = () => engine?.socket ?? "";
const notices = (events: readonly UpEvent[]) =>
  events.flatMap((event) => (event.kind === "notice" ? [formatMessage(event.text)] : []));
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof TaskError ? `${error.kind}: ${formatMessage(error.text)}` : String(error)),
  );

describe.skipIf(!dockerd)("containers that others have to do with", { timeout: 60_000 }, () => {
  beforeEach(async ({ skip }) => {
    if (!engine) skip();
    bench = await createBench(engine?.address ?? "");
    await up(bench.services);
  });
  afterEach(async () => {
    if (!engine) return;
    await bench.services.remove({ withVolumes: true }, never);
    rmSync(bench.home, { recursive: true, force: true });
  });

  it("come up again after their network was removed while they were stopped, all at once or one alone", async () => {
    await bench.services.down({}, never);
    expect((await ask(socket(), "DELETE", "/networks/switchyard")).status).toBe(204);
    await bench.services.start("redis", {}, never);
    expect((await inspect(socket(), "switchyard-redis")).State.Running).toBe(true);
    expect(short(await up(bench.services))).toEqual(["recreated ollama", "ready ollama", "ready redis"]);
    await ask(socket(), "POST", "/networks/switchyard/disconnect", { Container: "switchyard-redis", Force: true });
    expect(short(await up(bench.services))).toContain("recreated redis");
  });

  it("need no image while they run: nothing is fetched anew because it was removed", async () => {
    await ask(socket(), "POST", "/images/redis:7.4.8-alpine/tag?repo=kept&tag=redis");
    await ask(socket(), "DELETE", "/images/redis:7.4.8-alpine");
    const put = () => ask(socket(), "POST", "/images/kept:redis/tag?repo=redis&tag=7.4.8-alpine");
    onTestFinished(() => void put());
    expect(short(await up(bench.again({ isOffline: () => true })))).toEqual(["ready ollama", "ready redis"]);
    expect(short(await up(bench.services))).toEqual(["ready ollama", "ready redis"]);
    await bench.services.down({}, never);
    expect(short(await up(bench.services))).toContain("started redis");
    await bench.services.remove({ withVolumes: false }, never);
    expect(await failure(up(bench.again({ isOffline: () => true })))).toContain("local-only: Offline is on");
    await put();
    await up(bench.services);
  });

  it("run on as they were where they cannot be made as is asked now", async () => {
    const before = await inspect(socket(), "switchyard-ollama");
    const wrong = bench.again({}, { SWITCHYARD_VARIANT: "nvidia" });
    const events: UpEvent[] = [];
    const start = async () => {
      for await (const event of wrong.up({}, never)) events.push(event);
    };
    const said = await failure(start());
    expect(said).toContain("could not select device driver");
    expect(said).toContain("NVIDIA Container Toolkit");
    expect(said).toContain("SWITCHYARD_VARIANT=cpu");
    expect(notices(events)).toEqual(["ollama could not be made anew; the one of before runs again."]);
    const after = await inspect(socket(), "switchyard-ollama");
    expect(after.State.Running).toBe(true);
    expect(after.Config.Labels).toEqual(before.Config.Labels);
    expect(after.HostConfig).toEqual(before.HostConfig);
    expect(short(await up(bench.services))).toEqual(["ready ollama", "ready redis"]);
  });

  it("are not fetched for a card that is not there, and a setting that says nothing is told", async () => {
    const images = async () => (await ask(socket(), "GET", "/images/json")).body;
    const before = await images();
    expect(await failure(up(bench.again({}, { SWITCHYARD_VARIANT: "amd" })))).toMatch(
      /^bad-input: .*\/dev\/kfd.*SWITCHYARD_VARIANT=cpu/,
    );
    expect(await images()).toBe(before);
    const odd = bench.again({}, { SWITCHYARD_VARIANT: "nvdia", MAX_MODEL_MEMORY: "plenty" });
    expect(notices(await up(odd))).toEqual(
      expect.arrayContaining([
        "SWITCHYARD_VARIANT is “nvdia”, which is none of cpu, nvidia, amd, vulkan; cpu is used.",
        "MAX_MODEL_MEMORY is “plenty”, which is no amount such as 8G; 8192 MiB are taken.",
      ]),
    );
  });

  it("are started on another engine than the chosen one only with that being said", async () => {
    const folder = join(bench.home, "contexts", "meta", createHash("sha256").update("mine").digest("hex"));
    mkdirSync(folder, { recursive: true });
    const context = { Name: "mine", Endpoints: { docker: { Host: engine?.address } } };
    writeFileSync(join(folder, "meta.json"), JSON.stringify(context));
    const env = { SWITCHYARD_DOCKER_HOST: "", DOCKER_CONFIG: bench.home, DOCKER_CONTEXT: "mine" };
    expect(notices(await up(bench.again({}, env)))).toEqual([]);
    expect(notices(await up(bench.again({}, { ...env, DOCKER_HOST: "ssh://me@box" })))).toEqual([
      "The engine that you chose does not answer; another one is used: context mine.",
    ]);
  });

  it("are mended when no other window is at work on them, which is told, as is wanted by then", async () => {
    await ask(socket(), "POST", "/containers/switchyard-redis/stop");
    const lock = await takeLock(join(bench.home, "services.lock"), never, { work: "up", door: "editor" });
    const waits = Promise.withResolvers<void>();
    let least = 1;
    const services = bench.again({ settings: () => ({ ...defaultSettings, minModelContainers: least }) });
    const tell = ({ kind }: UpEvent) => (kind === "queued" ? waits.resolve() : undefined);
    const repaired = services.repair("not-running-redis", { tell }, never);
    await waits.promise;
    least = 2;
    await lock.release();
    expect((await repaired).isFixed).toBe(true);
    expect((await containers(socket())).has("switchyard-ollama-2")).toBe(true);
  });

  it("are left alone on an engine of another machine, also by updates, repairs and single starts", async () => {
    const lead = createServer((client) => {
      const server = connect(socket());
      client.pipe(server).pipe(client);
      for (const each of [client, server]) each.on("error", () => client.destroy(server.destroy() && undefined));
    });
    await new Promise<void>((resolve) => lead.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void lead.close());
    const address = lead.address();
    // Not known to be this machine by its name.
    const host = `tcp://0.0.0.0:${typeof address === "object" ? address?.port : 0}`;
    const far = bench.again({}, { SWITCHYARD_DOCKER_HOST: host });
    await far.stop("redis", {}, never);
    // Not the words for how long they run.
    const seen = async () => [...(await containers(socket()))].map(([name, { Id, State }]) => ({ name, Id, State }));
    const before = await seen();
    const refused = /^bad-input: The Docker engine at tcp:.* is on another machine/;
    expect(await failure(up(far))).toMatch(refused);
    expect(await failure(far.start("redis", {}, never))).toMatch(refused);
    expect(await failure(far.repair("not-running-redis", {}, never))).toMatch(refused);
    const update = async () => {
      for await (const _ of far.update("0.31.1", {}, never));
    };
    expect(await failure(update())).toMatch(refused);
    expect(await seen()).toEqual(before);
  });
});
