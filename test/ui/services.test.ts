// The containers from the editor: the package in a real editor, on a real Docker engine that is started for it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, type DockerEngine } from "../../scripts/docker.ts";
import { importOllama } from "../../scripts/docker-images.ts";
import { smallModel } from "../../scripts/folders.ts";
import { dockerd, startTestEngine, until } from "../containers/harness.ts";
import { keepFailures } from "../harness/keep-failures.ts";
import { openWorkbench, type Workbench } from "../harness/workbench.ts";

const vsix = process.env["SWITCHYARD_VSIX"] ?? "";
let engine: DockerEngine | undefined;
let workbench: Workbench;

beforeAll(async () => {
  engine = await startTestEngine(importOllama);
  if (!engine) return;
  workbench = await openWorkbench(vsix, {
    env: { SWITCHYARD_DOCKER_HOST: engine.address, MAX_MODEL_MEMORY: "2G" },
    // The chat would load a model by itself.
    settings: { "switchyard.warmUp": false },
  });
}, 300_000);
keepFailures(() => (engine ? workbench : undefined));
afterAll(async () => {
  await workbench?.stop();
  await engine?.dispose();
});

const socket = () => engine?.socket ?? "";

describe.skipIf(!dockerd)("the services in the editor", { timeout: 300_000 }, () => {
  it("are started with one command that tells what it does, and shown with state, place and memory", async (context) => {
    if (!engine) return context.skip();
    await workbench.runCommand("Switchyard: Focus on Services View");
    await workbench.paneHeader("Chat").click();
    await workbench.serviceRow("redis").waitFor();
    await expect.poll(() => workbench.serviceRow("redis").innerText()).toContain("not set up");
    await workbench.screenshot("services-before");
    await workbench.runCommand("Switchyard: Start Services");
    await workbench.notification("Starting services").waitFor();
    await workbench.screenshot("services-starting");
    await workbench.notification("Services run.").waitFor({ timeout: 90_000 });
    await expect
      .poll(() => workbench.serviceRow("redis").innerText(), { timeout: 60_000 })
      .toMatch(/healthy · :\d+ · \d+ MB · \d+ % CPU/);
    await expect.poll(() => workbench.serviceRow("ollama").innerText(), { timeout: 60_000 }).toContain("healthy");
    await workbench.screenshot("services");
  });

  it("load a model and count down to its end", async (context) => {
    if (!engine) return context.skip();
    await workbench.serviceRow(smallModel).waitFor();
    await workbench.serviceAction(smallModel, "Load into Memory");
    const left = async () => {
      const [, minutes, seconds] =
        /unloads in (\d+):(\d\d)/.exec(await workbench.serviceRow(smallModel).innerText()) ?? [];
      return minutes === undefined ? undefined : Number(minutes) * 60 + Number(seconds);
    };
    const first = await until(left, 60_000);
    await expect.poll(left, { timeout: 60_000 }).toBeLessThan(first);
    await workbench.screenshot("services-model-loaded");
    await workbench.serviceAction(smallModel, "Unload from Memory");
    await expect.poll(left, { timeout: 60_000 }).toBeUndefined();
  });

  it("show what they print, as they print it", async (context) => {
    if (!engine) return context.skip();
    await workbench.serviceAction("redis", "Show Its Log");
    await expect.poll(() => workbench.outputText(), { timeout: 60_000 }).toContain("Ready to accept connections");
    const { body } = await ask(socket(), "POST", "/containers/switchyard-redis/exec", {
      Cmd: ["redis-cli", "SAVE"],
      AttachStdout: true,
    });
    await ask(socket(), "POST", `/exec/${JSON.parse(body).Id}/start`, { Detach: true });
    await expect.poll(() => workbench.outputText(), { timeout: 60_000 }).toContain("DB saved on disk");
    await workbench.screenshot("services-log");
  });

  it("are mended by the doctor, which looks again", async (context) => {
    if (!engine) return context.skip();
    await ask(socket(), "POST", "/containers/switchyard-redis/stop");
    await expect.poll(() => workbench.serviceRow("redis").innerText(), { timeout: 60_000 }).toContain("stopped");
    await workbench.runCommand("Switchyard: Doctor: Find and Mend Problems");
    const finding = workbench.quickPickRows().filter({ hasText: "redis does not run." }).first();
    await finding.waitFor();
    await workbench.screenshot("doctor-findings");
    await finding.click();
    const dialog = workbench.page.locator(".monaco-dialog-box");
    await dialog.waitFor();
    await workbench.screenshot("doctor-repair");
    await dialog.getByRole("button", { name: "Mend It" }).click();
    await workbench.notification("Mended, and looked at again").waitFor();
    const { State: state } = JSON.parse((await ask(socket(), "GET", "/containers/switchyard-redis/json")).body);
    expect(state.Running).toBe(true);
  });

  it("run another Ollama when they are told to, and the one of before where that does not come up", async (context) => {
    if (!engine) return context.skip();
    await ask(socket(), "POST", "/images/ollama/ollama:0.31.1/tag?repo=ollama/ollama&tag=0.99.0");
    // A program that ends at once, again and again.
    const changes = encodeURIComponent('ENTRYPOINT ["/usr/local/bin/redis-server","--nonsense"]');
    const broken = `/commit?container=switchyard-redis&repo=ollama/ollama&tag=9.9.9&pause=0&changes=${changes}`;
    await ask(socket(), "POST", broken, {});
    const image = async () =>
      JSON.parse((await ask(socket(), "GET", "/containers/switchyard-ollama/json")).body).Config.Image;
    const update = async (version: string) => {
      await workbench.runCommand("Switchyard: Update Ollama in Its Container…");
      await workbench.answerInput("Update Ollama in Its Container", version);
    };
    await update("0.99.0");
    await workbench.notification("Updating Ollama").waitFor();
    const text = "ollama/ollama:0.99.0 runs in place of ollama/ollama:0.31.1";
    await workbench.notification(text).waitFor();
    await workbench.screenshot("services-updated");
    expect(await image()).toBe("ollama/ollama:0.99.0");
    await update("9.9.9");
    await workbench.notification("9.9.9 does not come up; ollama/ollama:0.99.0 runs again").waitFor();
    expect(await image()).toBe("ollama/ollama:0.99.0");
    await expect.poll(() => workbench.serviceRow("ollama").innerText(), { timeout: 60_000 }).toContain("healthy");
  });

  it("are waited for while they answer, unless the person does not want to", async (context) => {
    if (!engine) return context.skip();
    const { HostConfig } = JSON.parse((await ask(socket(), "GET", "/containers/switchyard-ollama/json")).body);
    const address = `http://127.0.0.1:${HostConfig.PortBindings["11434/tcp"][0].HostPort}`;
    const prompt = "Write down a long essay about history.";
    const body = JSON.stringify({ model: smallModel, prompt, options: { num_predict: 2_000, temperature: 0 } });
    const answer = await fetch(`${address}/api/generate`, { method: "POST", body });
    const whole = answer.text().then((text) => text.includes('"done":true'));
    const isWhole = whole.catch(() => false);
    await workbench.serviceAction("ollama", "Stop");
    const offer = workbench.notification("Waiting for answers that are being made.");
    // What is in progress is not taken away after some seconds, as other messages are.
    await workbench.page.locator(".notifications-toasts .monaco-progress-container.active").first().waitFor();
    await workbench.screenshot("services-do-not-wait");
    expect(await workbench.serviceRow("ollama").innerText()).toContain("healthy");
    await offer.getByRole("link", { name: "Do Not Wait", exact: true }).click();
    await offer.waitFor({ state: "detached" });
    await expect.poll(() => workbench.serviceRow("ollama").innerText(), { timeout: 60_000 }).toContain("stopped");
    expect(await isWhole).toBe(false);
    await workbench.serviceAction("ollama", "Start");
    await expect.poll(() => workbench.serviceRow("ollama").innerText(), { timeout: 60_000 }).toContain("healthy");
  });

  it("are stopped with one click each, and all with one command", async (context) => {
    if (!engine) return context.skip();
    await workbench.serviceAction("redis", "Stop");
    await expect.poll(() => workbench.serviceRow("redis").innerText(), { timeout: 60_000 }).toContain("stopped");
    await workbench.runCommand("Switchyard: Stop Services");
    await expect.poll(() => workbench.serviceRow("ollama").innerText(), { timeout: 60_000 }).toContain("stopped");
    await workbench.screenshot("services-stopped");
  });

  it("can be more than the usual ones, each kind with what it adds", async (context) => {
    if (!engine) return context.skip();
    await workbench.runCommand("Switchyard: Choose Which Services to Start…");
    await workbench.quickPickRows().filter({ hasText: "Prometheus and Grafana" }).first().waitFor();
    await workbench.quickPickRows().filter({ hasText: "local-llm-proxy" }).first().waitFor();
    await workbench.screenshot("services-choice");
    await workbench.page.keyboard.press("Escape");
  });
});
