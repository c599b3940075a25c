// The real Prometheus scrapes the service as it is shipped; every panel of the dashboard and every alert is asked of it.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { freePort } from "../../scripts/free-port.ts";
import { alerts } from "../../scripts/monitoring/alerts.ts";
import { prometheusConfig } from "../../scripts/monitoring/files.ts";
import { rows } from "../../scripts/monitoring/panels.ts";
import { findPrometheus } from "../../scripts/prometheus.ts";
import {
  beginLines,
  doneLine,
  ollamaRoutes,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";

const found = findPrometheus();
const root = join(import.meta.dirname, "..", "..");
const shipped = join(root, "deploy", "monitoring");
const token = "a-token-of-the-test";
const state: { folder: string; api: string; service: string; ollama?: ScriptedServer; children: ChildProcess[] } = {
  folder: "",
  api: "",
  service: "",
  children: [],
};

const models = [
  { name: "m:1b", size: 1e9, digest: "d", details: { context_length: 32768 }, capabilities: ["completion"] },
];

function startModelServer() {
  return startScriptedServer({
    ...ollamaRoutes(models),
    "GET /api/ps": (_request, response) =>
      sendJson(response, { models: [{ name: "m:1b", size: 1e9, size_vram: 6e8, context_length: 8192 }] }),
    "POST /api/chat": (_request, response) => {
      beginLines(response);
      const line: object = JSON.parse(doneLine());
      const figures = { load_duration: 2e9, prompt_eval_duration: 1e8, eval_duration: 4e8 };
      response.end(tokenLine("It adds two numbers.") + JSON.stringify({ ...line, ...figures }).concat("\n"));
    },
  });
}

/** The service as it is shipped, with a graphics card that its program tells of. */
async function startService(ollama: string): Promise<string> {
  const programs = join(state.folder, "bin");
  await mkdir(programs);
  await writeFile(join(programs, "nvidia-smi"), '#!/bin/sh\nprintf "0, 61, 35, 2048, 24576\\n"\n');
  await chmod(join(programs, "nvidia-smi"), 0o755);
  const child = spawn(process.execPath, [join(root, "dist", "cli.js"), "serve", "--port", "0"], {
    env: {
      PATH: `${programs}:${process.env["PATH"]}`,
      SWITCHYARD_HOME: join(state.folder, "home"),
      SWITCHYARD_PROXY_TOKEN: token,
      OLLAMA_HOST: ollama,
      LANG: "C",
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  state.children.push(child);
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`serve ended with ${code}`)));
    child.stdout.on("data", (piece) => {
      const url = /http:\/\/\S+/.exec(String(piece))?.[0];
      if (url) resolve(url);
    });
  });
}

async function startPrometheus(program: string, service: string): Promise<string> {
  const folder = join(state.folder, "prometheus");
  await mkdir(join(folder, "targets"), { recursive: true });
  await cp(join(shipped, "alerts.yml"), join(folder, "alerts.yml"));
  await writeFile(join(folder, "prometheus.yml"), stringify(prometheusConfig({ interval: "1s", folder })));
  await writeFile(join(folder, "token"), token);
  const target = JSON.stringify([{ targets: [new URL(service).host] }]);
  await writeFile(join(folder, "targets", "switchyard.json"), target);
  const port = await freePort();
  const child = spawn(
    program,
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  state.children.push(child);
  return `http://127.0.0.1:${port}/api/v1`;
}

async function ask(prompt: string, kind: string): Promise<void> {
  const answer = await fetch(`${state.service}/api/generate`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt, task_type: kind, temperature: 0 }),
  });
  expect(answer.status).toBe(200);
  await answer.text();
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  await vi.waitFor(async () => expect(await isSo()).toBe(true), { timeout: 30_000, interval: 200 });
}

interface Result {
  readonly status: string;
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

async function query(expression: string): Promise<readonly number[]> {
  const answer = await fetch(`${state.api}/query?query=${encodeURIComponent(expression)}`).catch(() => undefined);
  if (!answer) return [];
  const { status, data }: Result = JSON.parse(await answer.text());
  expect([expression, status]).toEqual([expression, "success"]);
  return data.result.map((each) => Number(each.value[1]));
}

describe.skipIf(!found)("a real Prometheus", () => {
  beforeAll(async () => {
    state.folder = await mkdtemp(join(tmpdir(), "switchyard-prometheus-"));
    state.ollama = await startModelServer();
    state.service = await startService(state.ollama.url);
    // What has not happened yet has no rate: once before it is first scraped, and again after.
    await ask("Hello.", "general");
    await ask("Hello.", "general");
    await fetch(`${state.service}/api/nothing`, { headers: { authorization: `Bearer ${token}` } });
    state.api = await startPrometheus(found?.prometheus ?? "", state.service);
    await until(async () => (await query("switchyard_answers_total")).length > 0);
    await ask("Hello again.", "general");
    await ask("Hello again.", "general");
    await fetch(`${state.service}/api/nothing`, { headers: { authorization: `Bearer ${token}` } });
    await until(async () => ((await query("rate(switchyard_cache_hits_total[1m])"))[0] ?? 0) > 0);
  });
  afterAll(async () => {
    for (const child of state.children.reverse()) child.kill("SIGKILL");
    await state.ollama?.close();
    await rm(state.folder, { recursive: true, force: true });
  });

  it("scrapes the service with the configuration that is shipped", async () => {
    expect(await query('up{job="switchyard"}')).toEqual([1]);
    expect(await query("switchyard_host_memory_ratio")).toHaveLength(1);
    const text = execFileSync(found?.promtool ?? "", [
      "check",
      "config",
      join(state.folder, "prometheus", "prometheus.yml"),
    ]);
    expect(String(text)).toContain(`${alerts.length} rules found`);
  });

  it("serves figures in good form", async () => {
    const headers = { authorization: `Bearer ${token}` };
    const input = await (await fetch(`${state.service}/metrics`, { headers })).text();
    execFileSync(found?.promtool ?? "", ["check", "metrics"], { input });
  });

  const queries = rows.flatMap(({ panels }) =>
    panels.flatMap(({ title, queries: each }) => each.map(({ expression }) => [title.en, expression] as const)),
  );
  it.each(queries)("draws the panel “%s”: %s", async (_title, expression) => {
    const values = await query(expression.replaceAll("$__rate_interval", "1m"));
    expect(values.length).toBeGreaterThan(0);
    for (const value of values) expect(value).toBeGreaterThanOrEqual(0);
  });

  it("reads every alert without an error", async () => {
    const read = async () => {
      const { data }: { data: { groups: { rules: { name: string; health: string }[] }[] } } = JSON.parse(
        await (await fetch(`${state.api}/rules`)).text(),
      );
      return data.groups.flatMap((group) => group.rules).map(({ name, health }) => `${name} ${health}`);
    };
    await expect.poll(read).toEqual(alerts.map(({ name }) => `${name} ok`));
  });

  it.each(alerts)("raises $name when it should, and not otherwise", async ({ name, fires, isQuiet, severity }) => {
    const minutes = Math.max(...Object.values(fires).map(lengthOf));
    const series = (values: Readonly<Record<string, string>>) =>
      Object.entries(values).map(([each, value]) => ({ series: each, values: value }));
    const file = join(state.folder, `${name}.yml`);
    const firing = (raised: readonly unknown[]) => [{ eval_time: `${minutes}m`, alertname: name, exp_alerts: raised }];
    const test = (input: Readonly<Record<string, string>>, isRaised: boolean) => ({
      rule_files: [join(shipped, "alerts.yml")],
      evaluation_interval: "1m",
      tests: [{ interval: "1m", input_series: series(input), alert_rule_test: firing(isRaised ? [{}] : []) }],
    });
    const outcome = async (input: Readonly<Record<string, string>>) => {
      await writeFile(file, stringify(test(input, false)));
      try {
        return String(execFileSync(found?.promtool ?? "", ["test", "rules", file], { stdio: "pipe" }));
      } catch (error) {
        return error instanceof Error && "stdout" in error ? `${error.stdout}${error.message}` : String(error);
      }
    };
    expect(await outcome(isQuiet)).toContain("SUCCESS");
    const raised = await outcome(fires);
    expect(raised).toContain("FAILED");
    expect(raised).toContain(`severity="${severity}"`);
  });
});

/** Minutes that a series of promtool goes on for. */
const lengthOf = (values: string) => [...values.matchAll(/x(\d+)/g)].reduce((sum, match) => sum + Number(match[1]), 0);
