// The figures for Prometheus: that they are there, that they are right, and that no client can make them grow.
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { createHostReader } from "../../src/proxy/host-figures.ts";
import { beginLines, doneLine, noModelsLoaded, sendJson, tokenLine } from "../backends/scripted-server.ts";
import { known, post, startProxy } from "./harness.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const chat = (text: string) => ({ model: "llama3.1:8b", messages: [{ role: "user", content: text }] });
const figures = async (url: string) => (await fetch(`${url}/metrics`, { headers: known })).text();

/** The value of one figure; undefined: it is not there. */
function figureOf(text: string, name: string, ...labels: readonly string[]): number | undefined {
  const line = text
    .split("\n")
    .find(
      (each) =>
        each.startsWith(name) && /[{ ]/.test(each[name.length] ?? "") && labels.every((label) => each.includes(label)),
    );
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

it("counts what it did: requests, answers, tokens, times, waiting, what was known already", async () => {
  const { url } = await startProxy();
  await (await post(url, "/api/chat", chat("hello"))).text();
  await (await post(url, "/api/chat", { ...chat("hello"), model: "nope" })).text();
  const once = { ...chat("hello again"), options: { temperature: 0 } };
  await (await post(url, "/api/chat", once)).text();
  await (await post(url, "/api/chat", once)).text();
  const text = await figures(url);
  const node = 'node="Ollama at 127.0.0.1:';
  expect(figureOf(text, "switchyard_requests_total", 'dialect="ollama"', 'outcome="done"')).toBe(3);
  expect(figureOf(text, "switchyard_requests_total", 'dialect="ollama"', 'outcome="refused"')).toBe(1);
  expect(figureOf(text, "switchyard_errors_total", 'dialect="ollama"', 'status="404"')).toBe(1);
  expect(figureOf(text, "switchyard_answers_total", 'model="llama3.1:8b"', node, 'outcome="done"')).toBe(3);
  expect(figureOf(text, "switchyard_cache_hits_total", 'model="llama3.1:8b"', node)).toBe(1);
  expect(figureOf(text, "switchyard_answer_tokens_total", 'model="llama3.1:8b"', node)).toBe(80);
  expect(figureOf(text, "switchyard_first_token_seconds_count", node)).toBe(3);
  expect(figureOf(text, "switchyard_answer_seconds_count", node)).toBe(3);
  expect(figureOf(text, "switchyard_queue_seconds_count")).toBe(3);
  expect(figureOf(text, "switchyard_build_info", 'version="1.2.3"')).toBe(1);
  expect(figureOf(text, "switchyard_connections")).toBeGreaterThanOrEqual(1);
  expect(figureOf(text, "switchyard_cpu_seconds_total")).toBeGreaterThan(0);
  expect(figureOf(text, "switchyard_cloud_avoided_usd")).toBeGreaterThan(0);
  expect(figureOf(text, "switchyard_cloud_spent_usd")).toBe(0);
  for (const share of ["switchyard_host_cpu_ratio", "switchyard_host_memory_ratio"]) {
    expect(figureOf(text, share)).toBeGreaterThanOrEqual(0);
    expect(figureOf(text, share)).toBeLessThanOrEqual(1);
  }
});

it("counts an answer that was cut off as failed, though its status was sent already", async () => {
  const { url } = await startProxy({
    chat: (_, response) => {
      beginLines(response);
      response.write(tokenLine("half an"), () => response.destroy());
    },
  });
  expect((await post(url, "/api/chat", chat("hello"))).status).toBe(200);
  await expect
    .poll(async () => figureOf(await figures(url), "switchyard_requests_total", 'dialect="ollama"', 'outcome="failed"'))
    .toBe(1);
  const text = await figures(url);
  expect(figureOf(text, "switchyard_answers_total", 'outcome="failed"')).toBe(1);
  expect(figureOf(text, "switchyard_requests_total", 'dialect="ollama"', 'outcome="done"')).toBeGreaterThanOrEqual(1);
});

it("tells the time a model took to load, and not the moment that finding a loaded one takes", async () => {
  for (const [loadMs, count] of [
    [3_000, 1],
    [20, undefined],
  ] as const) {
    const { url } = await startProxy({
      chat: (_, response) => {
        beginLines(response);
        const line: object = JSON.parse(doneLine());
        response.end(tokenLine("ok") + JSON.stringify({ ...line, load_duration: loadMs * 1e6 }).concat("\n"));
      },
    });
    await (await post(url, "/api/chat", chat("hello"))).text();
    const text = await figures(url);
    expect(figureOf(text, "switchyard_model_load_seconds_count")).toBe(count);
    expect(figureOf(text, "switchyard_model_load_seconds_sum")).toBe(count === undefined ? undefined : 3);
  }
});

it("tells what is loaded, and how much of it on a graphics card; a server that hangs holds up nothing else", async () => {
  const seen = { hangs: false };
  const { url } = await startProxy({
    ps: (request, response, body) => {
      if (seen.hangs) return;
      if (request.method === "GET") {
        sendJson(response, { models: [{ name: "llama3.1:8b", size: 1000, size_vram: 600, context_length: 8192 }] });
      } else noModelsLoaded(request, response, body);
    },
  });
  await (await post(url, "/api/chat", chat("hello"))).text();
  const text = await figures(url);
  expect(figureOf(text, "switchyard_loaded_bytes", 'memory="graphics"')).toBe(600);
  expect(figureOf(text, "switchyard_loaded_bytes", 'memory="main"')).toBe(400);
  seen.hangs = true;
  expect(await figures(url)).toContain("switchyard_host_cpu_ratio");
});

it("case 45: random models, paths and parameters make no new series", async () => {
  const { url } = await startProxy();
  const ask = async (n: number) => {
    await (await post(url, "/api/chat", { ...chat("hi"), model: `model-${n}` })).text();
    await (await post(url, `/v1/${n}`, {})).text();
    await (await fetch(`${url}/v1/models/m${n}?q=${n}`, { headers: known })).text();
    await (await fetch(`${url}/path-${n}`, { headers: known })).text();
  };
  const series = async () =>
    (await figures(url)).split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  await (await post(url, "/api/chat", chat("hello"))).text();
  await ask(0);
  const before = await series();
  for (let n = 1; n < 60; n++) await ask(n);
  expect(await series()).toBe(before);
  expect(await figures(url)).not.toMatch(/model-\d|path-\d/);
});

it("reads graphics cards where NVIDIA's program and Linux tell of them, and leaves out what they do not measure", async () => {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-cards-"));
  folders.push(folder);
  const program = join(folder, "nvidia-smi");
  await writeFile(program, '#!/bin/sh\nprintf "0, 61, 35, 2048, 24576\\n1, [N/A], 0, 10, 24576\\n"\n');
  await chmod(program, 0o755);
  const device = join(folder, "drm", "card1", "device");
  await mkdir(join(device, "hwmon", "hwmon3"), { recursive: true });
  await mkdir(join(folder, "drm", "card0", "device"), { recursive: true });
  await mkdir(join(folder, "drm", "card1-DP-1"), { recursive: true });
  await writeFile(join(device, "hwmon", "hwmon3", "temp1_input"), "54000\n");
  await writeFile(join(device, "gpu_busy_percent"), "80\n");
  await writeFile(join(device, "mem_info_vram_used"), "1000\n");
  await writeFile(join(device, "mem_info_vram_total"), "4000\n");
  const reader = createHostReader({ nowMs: () => 0, cardsFolder: join(folder, "drm"), nvidiaProgram: program });
  expect(await reader.cards()).toEqual([
    { name: "nvidia0", celsius: 61, usedRatio: 0.35, usedBytes: 2048 * 1024 * 1024, totalBytes: 24576 * 1024 * 1024 },
    { name: "nvidia1", usedRatio: 0, usedBytes: 10 * 1024 * 1024, totalBytes: 24576 * 1024 * 1024 },
    { name: "card1", celsius: 54, usedRatio: 0.8, usedBytes: 1000, totalBytes: 4000 },
  ]);
  const none = { nowMs: () => 0, cardsFolder: join(folder, "none"), nvidiaProgram: join(folder, "none") };
  expect(await createHostReader(none).cards()).toEqual([]);
});
