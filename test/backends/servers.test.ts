import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { expect, it } from "vitest";
import type { NodeAddress } from "../../src/backends/node-addresses.ts";
import { createServerSearch, findIn, nothingAnswers, type ServersParts } from "../../src/backends/servers.ts";
import type { Backend, InstalledModel } from "../../src/core/backend.ts";
import { leavable } from "../../src/core/leavable.ts";
import { formatMessage } from "../../src/core/message.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import type { ToolTest } from "../../src/core/tool-test.ts";

const never = new AbortController().signal;

function model(name: string, backend: string, capabilities: readonly string[] = ["completion"]): InstalledModel {
  return { name, backend, place: "this-machine", sizeBytes: 1, capabilities };
}

function fakeBackend(name: string, models: (signal: AbortSignal) => Promise<readonly InstalledModel[]>): Backend {
  const unused = () => {
    throw new Error("not part of this test");
  };
  return {
    name,
    place: "this-machine",
    models,
    loaded: unused,
    run: unused,
    load: unused,
    unload: unused,
    pull: unused,
    delete: unused,
  };
}

function searchWith(over: {
  readonly settings?: Partial<Settings>;
  readonly ollamaModels?: readonly InstalledModel[];
  readonly ollamaAnswers?: boolean;
  /** It says that it is there, and never lists its models. */
  readonly ollamaHangs?: boolean;
  readonly further?: readonly NodeAddress[];
  readonly furtherModels?: (label: string, signal: AbortSignal) => Promise<readonly InstalledModel[]>;
  readonly toolTests?: readonly ToolTest[];
}) {
  const calls = { search: 0, engine: 0, made: 0 };
  const clock = { ms: 0 };
  const parts: ServersParts = {
    settings: () => ({ ...defaultSettings, ...over.settings }),
    findNode: async () => {
      calls.search++;
      const address = "http://127.0.0.1:11434";
      return over.ollamaAnswers === false
        ? { tried: [{ address, outcome: "connection refused" }] }
        : { node: { address, version: "1" }, tried: [{ address, outcome: "Ollama 1" }] };
    },
    createOllama: () =>
      fakeBackend("Ollama", async (signal) => {
        if (over.ollamaHangs) await leavable(new Promise(() => undefined), signal);
        return over.ollamaModels ?? [model("big", "Ollama")];
      }),
    listMs: 100,
    furtherNodes: async () => ({ nodes: over.further ?? [], tried: [] }),
    createNode: ({ label }) => {
      calls.made++;
      return fakeBackend(
        label,
        (signal) => over.furtherModels?.(label, signal) ?? Promise.resolve([model("big", label)]),
      );
    },
    embedded: fakeBackend("engine", async () => {
      calls.engine++;
      return [model("small", "engine")];
    }),
    toolTests: async () => over.toolTests ?? [],
    nowMs: () => clock.ms,
  };
  return { search: createServerSearch(parts), calls, clock };
}

const namesOf = (found: { servers: readonly { backend: Backend }[] }) => found.servers.map((each) => each.backend.name);

it("leaves the built-in engine off while an Ollama has a model that can answer", async () => {
  const { search, calls } = searchWith({});
  expect(namesOf(await search.find(never))).toEqual(["Ollama"]);
  expect(calls.engine).toBe(0);
});

it("adds the built-in engine when Ollama has nothing but embedding models", async () => {
  const { search } = searchWith({ ollamaModels: [model("embed", "Ollama", ["embedding"])] });
  expect(namesOf(await search.find(never))).toEqual(["Ollama", "engine"]);
});

it("uses the built-in engine alone when no Ollama answers, and says what was tried", async () => {
  const { search } = searchWith({ ollamaAnswers: false });
  const found = await search.find(never);
  expect(namesOf(found)).toEqual(["engine"]);
  expect(found.tried).toEqual([{ address: "http://127.0.0.1:11434", outcome: "connection refused" }]);
});

it("asks no Ollama at all when the settings name the built-in engine", async () => {
  const { search, calls } = searchWith({ settings: { engine: "embedded" } });
  expect(namesOf(await search.find(never))).toEqual(["engine"]);
  expect(calls.search).toBe(0);
});

it("never starts the built-in engine when the settings name Ollama", async () => {
  const { search, calls } = searchWith({ settings: { engine: "ollama" }, ollamaAnswers: false });
  expect(namesOf(await search.find(never))).toEqual([]);
  expect(calls.engine).toBe(0);
});

it("searches once for many who ask at the same time, renews what is old, and forgets when told", async () => {
  const { search, calls, clock } = searchWith({});
  await Promise.all(Array.from({ length: 20 }, () => search.find(never)));
  expect(calls.search).toBe(1);
  clock.ms = 4_000;
  await search.find(never);
  expect(calls.search).toBe(1);
  clock.ms = 10_000;
  await search.find(never);
  expect(calls.search).toBe(2);
  await Promise.resolve();
  search.forget();
  await search.find(never);
  expect(calls.search).toBe(3);
});

it("lets one who cancels go without taking the search from the others", async () => {
  const { search } = searchWith({});
  const stop = new AbortController();
  const gone = search.find(stop.signal);
  const stays = search.find(never);
  stop.abort();
  await expect(gone).rejects.toMatchObject({ name: "AbortError" });
  expect(namesOf(await stays)).toEqual(["Ollama"]);
});

const further = (label: string): NodeAddress => ({ kind: "ollama", address: `http://${label}`, host: label, label });

it("asks the servers of the settings as well, each made once", async () => {
  const { search, calls } = searchWith({ further: [further("10.1.1.1:11434"), further("10.1.1.2:11434")] });
  expect(namesOf(await search.find(never))).toEqual(["Ollama", "10.1.1.1:11434", "10.1.1.2:11434"]);
  search.forget();
  await search.find(never);
  expect(calls.made).toBe(2);
});

it("does not ask the one that was found a second time", async () => {
  const { search } = searchWith({ further: [further("127.0.0.1:11434")] });
  expect(namesOf(await search.find(never))).toEqual(["Ollama"]);
});

it("asks each server behind the name of the one that was found, where the settings name it as one of several", async () => {
  const behind = (ip: string): NodeAddress => ({
    kind: "ollama",
    address: `http://${ip}:11434`,
    host: "127.0.0.1:11434",
    label: `${ip}:11434 (the name)`,
  });
  const { search } = searchWith({ further: [behind("10.1.1.1"), behind("10.1.1.2")] });
  expect(namesOf(await search.find(never))).toEqual(["10.1.1.1:11434 (the name)", "10.1.1.2:11434 (the name)"]);
});

it("leaves out a further server that is away, and says so", async () => {
  const { search } = searchWith({
    further: [further("10.1.1.1:11434"), further("10.1.1.2:11434")],
    furtherModels: async (label) => {
      if (label.startsWith("10.1.1.1")) throw new Error("connection refused");
      return [model("big", label)];
    },
  });
  const found = await search.find(never);
  expect(namesOf(found)).toEqual(["Ollama", "10.1.1.2:11434"]);
  expect(found.tried).toContainEqual({ address: "10.1.1.1:11434", outcome: "connection refused" });
});

it("leaves out one that froze after it said that it is there, and asks the others", async () => {
  const gpuBox = { kind: "ollama", address: "http://gpu-box:11434", host: "gpu-box:11434", label: "gpu-box" } as const;
  const { search } = searchWith({ ollamaHangs: true, further: [gpuBox] });
  const found = await search.find(never);
  expect(namesOf(found)).toEqual(["gpu-box"]);
  expect(found.tried).toContainEqual({ address: "http://127.0.0.1:11434", outcome: "no answer in time" });
});

it("waits for one that is only slow where no other can answer, and not beside others", {
  timeout: 20_000,
}, async () => {
  const slow = async (label: string, signal: AbortSignal) => {
    await setTimeout(2_500, undefined, { signal });
    return [model("big", label)];
  };
  const alone = searchWith({ ollamaAnswers: false, further: [further("10.1.1.1:11434")], furtherModels: slow });
  const beside = searchWith({ further: [further("10.1.1.1:11434")], furtherModels: slow });
  const [first, second] = await Promise.all([alone.search.find(never), beside.search.find(never)]);
  expect(namesOf(first)).toEqual(["10.1.1.1:11434"]);
  expect(alone.calls.engine).toBe(0);
  expect(namesOf(second)).toEqual(["Ollama"]);
  expect(second.tried).toContainEqual({ address: "http://10.1.1.1:11434", outcome: "no answer in time" });
});

it("asks none of them where the built-in engine alone is wanted", async () => {
  const { search, calls } = searchWith({ settings: { engine: "embedded" }, further: [further("10.1.1.1:11434")] });
  expect(namesOf(await search.find(never))).toEqual(["engine"]);
  expect(calls.made).toBe(0);
});

it("takes in what another program has found out of a model meanwhile, without being told", async () => {
  const toolTests: ToolTest[] = [];
  const { search, clock } = searchWith({ toolTests });
  const seen = async () => (await search.find(never)).servers[0]?.models[0]?.toolTest?.calls;
  expect(await seen()).toBeUndefined();
  toolTests.push({ model: "big", backend: "Ollama", calls: "no", atMs: 1 });
  clock.ms = 6_000;
  await expect.poll(seen).toBe("no");
});

it("looks sooner for a server of the settings that is away: the others have its work as well", async () => {
  let isAway = true;
  const { search, clock } = searchWith({
    further: [further("10.1.1.1:11434"), further("10.1.1.2:11434")],
    furtherModels: async (label) => {
      if (isAway && label === "10.1.1.2:11434") throw new Error("connection refused");
      return [model("big", label)];
    },
  });
  expect(namesOf(await search.find(never))).toEqual(["Ollama", "10.1.1.1:11434"]);
  isAway = false;
  clock.ms = 900;
  await search.find(never);
  await new Promise(setImmediate);
  expect(namesOf(await search.find(never))).toEqual(["Ollama", "10.1.1.1:11434"]);
  clock.ms = 1_100;
  await search.find(never);
  await new Promise(setImmediate);
  expect(namesOf(await search.find(never))).toEqual(["Ollama", "10.1.1.1:11434", "10.1.1.2:11434"]);
});

it("a model is not fetched to an engine that the settings keep from answering", async () => {
  const { search } = searchWith({ settings: { engine: "ollama" }, ollamaAnswers: false });
  const embedded = { ...fakeBackend("built-in engine", async () => []), async *pull() {} };
  await expect(findIn(search.find, embedded, () => false).serverFor(never)).rejects.toMatchObject({
    kind: "server-unreachable",
  });
  expect(await findIn(search.find, embedded, () => true).serverFor(never)).toBe(embedded);
});

it("a model is not fetched through a server whose models are chosen where it runs", async () => {
  const { pull: _, ...backend } = fakeBackend("10.1.1.1:8001", async () => []);
  const embedded = { ...fakeBackend("built-in engine", async () => []), async *pull() {} };
  const find = async () => ({ servers: [{ backend, models: [] }], tried: [] });
  await expect(findIn(find, embedded, () => true).serverFor(never)).rejects.toMatchObject({
    kind: "bad-input",
    message: "The models of 10.1.1.1:8001 are changed where it runs.",
  });
  const both = async () => ({
    servers: [
      { backend, models: [] },
      { backend: embedded, models: [] },
    ],
    tried: [],
  });
  expect(await findIn(both, embedded, () => true).serverFor(never)).toBe(embedded);
});

it("what came of each address is told in the language of the person", () => {
  const bundle: Record<string, string> = JSON.parse(readFileSync("media/l10n/bundle.l10n.zh-cn.json", "utf8"));
  const tried = [
    { address: "http://a:1", outcome: "connection refused" },
    { address: "http://b:2", outcome: "EPROTO" },
  ];
  const { text } = nothingAnswers(tried);
  expect(formatMessage(text)).toContain("Tried: http://a:1 (connection refused); http://b:2 (EPROTO). Start Ollama");
  expect(formatMessage(text, bundle)).toContain("http://a:1 (连接被拒绝); http://b:2 (EPROTO)");
});
