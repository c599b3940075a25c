import { describe, expect, it } from "vitest";
import { type HostFacts, parseMiB, planStack } from "../../src/containers/plan.ts";
import { createRestartBudget } from "../../src/containers/restart-budget.ts";
import { formatMessage } from "../../src/core/message.ts";

const facts: HostFacts = {
  platform: "linux",
  engineMemoryBytes: 32 * 2 ** 30,
  runtimes: ["runc"],
  dataFolder: "",
  sharesDevices: true,
  exists: () => false,
};
const given = { modelMemory: "", variant: "" };
const names = (plan: ReturnType<typeof planStack>) => plan.stack.services.map(({ name }) => name);
const ollamaOf = (plan: ReturnType<typeof planStack>) => plan.stack.services.find(({ name }) => name === "ollama");

describe("the plan", () => {
  it("on a Mac runs no model in a container, and says why", () => {
    const plan = planStack({ ...facts, platform: "darwin", sharesDevices: false }, given);
    expect(names(plan)).toEqual(["redis"]);
    expect(plan.leftOut.map(({ why }) => formatMessage(why))).toEqual([expect.stringContaining("graphics card")]);
  });

  it("uses an Ollama that runs already instead of fighting it", () => {
    const plan = planStack(facts, { ...given, nativeOllama: "http://127.0.0.1:11434" });
    expect(names(plan)).toEqual(["redis"]);
    expect(plan.leftOut.map(({ name }) => name)).toEqual(["ollama"]);
  });

  it("takes the graphics card that the engine can give, and the processor otherwise", () => {
    const amd = { ...facts, exists: (path: string) => ["/dev/kfd", "/dev/dri"].includes(path) };
    expect(planStack(facts, given).variant).toBe("cpu");
    expect(planStack({ ...facts, runtimes: ["nvidia", "runc"] }, given).variant).toBe("nvidia");
    expect(planStack(amd, given).variant).toBe("amd");
    // A virtual machine such as Docker Desktop's sees none of these devices.
    expect(planStack({ ...amd, sharesDevices: false }, given).variant).toBe("cpu");
    expect(planStack(facts, { ...given, variant: "vulkan" }).variant).toBe("vulkan");
  });

  it("gives models what was asked for, or what a small engine has, and says so", () => {
    expect(ollamaOf(planStack(facts, { ...given, modelMemory: "12G" }))?.memoryMiB).toBe(12_288);
    const small = planStack({ ...facts, engineMemoryBytes: 4 * 2 ** 30 }, given);
    expect(ollamaOf(small)?.memoryMiB).toBe(3_020);
    expect(small.notices).toHaveLength(1);
    expect(planStack(facts, given).notices).toEqual([]);
  });

  it("has in each profile what is asked for, and says why something is not in it", () => {
    const on = (profile: "monitoring" | "team", changes: Partial<HostFacts> = {}, more = {}) =>
      planStack({ ...facts, ...changes }, { ...given, ...more, profile });
    const all = ["ollama", "redis", "prometheus", "grafana", "local-llm-proxy"];
    expect(names(on("team"))).toEqual(all);
    // A Desktop's containers reach the service outside of them; those of a plain engine do not.
    expect(names(on("monitoring", { sharesDevices: false }))).toEqual(all.slice(0, 4));
    expect(names(on("monitoring"))).toEqual(all);
    expect(on("monitoring").notices).toHaveLength(1);
    const native = on("team", {}, { nativeOllama: "http://127.0.0.1:11434" });
    expect(names(native)).toEqual(["redis", "prometheus", "grafana"]);
    expect(native.leftOut.map(({ name }) => name)).toEqual(["ollama", "local-llm-proxy"]);
    const mac = on("team", { platform: "darwin", sharesDevices: false });
    expect(names(mac)).toEqual(["redis", "prometheus", "grafana", "local-llm-proxy"]);
    const proxy = mac.stack.services.find(({ name }) => name === "local-llm-proxy");
    expect(proxy?.environment["SWITCHYARD_OLLAMA_URL"]).toBe("http://host.docker.internal:11434");
  });

  it("never has more model servers than the engine’s memory can hold", () => {
    const fitting = (gib: number, modelMemory: string) =>
      planStack({ ...facts, engineMemoryBytes: gib * 2 ** 30 }, { ...given, modelMemory }).fittingServers;
    expect(fitting(32, "8G")).toBe(3);
    expect(fitting(16, "8G")).toBe(1);
    expect(fitting(4, "8G")).toBe(1);
    expect(fitting(64, "4G")).toBe(12);
  });

  it.each([
    ["8G", 8192],
    ["512m", 512],
    ["1.5GiB", 1536],
    ["1073741824", 1024],
    ["", undefined],
    ["much", undefined],
  ])("reads %j as memory", (text, expected) => {
    expect(parseMiB(text)).toBe(expected);
  });
});

describe("trying again", () => {
  it("pauses longer each time and stops after 5 in 10 minutes, for each service alone", () => {
    const budget = createRestartBudget();
    const pauses = [0, 1, 2, 3, 4].map((second) => budget.take("redis", second * 1000)?.pauseMs);
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000]);
    expect(budget.take("redis", 9 * 60_000)).toBeUndefined();
    expect(budget.take("ollama", 9 * 60_000)?.attempt).toBe(1);
    expect(budget.take("redis", 10 * 60_000 + 5_000)?.attempt).toBe(1);
  });
});
