import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { deployFiles } from "../../scripts/compose.ts";
import { proxyTagOf } from "../../src/containers/build-image.ts";
import { composeFile, productionFile } from "../../src/containers/compose.ts";
import { createOptions } from "../../src/containers/container.ts";
import { imagesOf } from "../../src/containers/manage.ts";
import { configHash, defaultChoice, describeStack } from "../../src/containers/stack.ts";

const hashes = (choice: typeof defaultChoice) =>
  Object.fromEntries(describeStack(choice).services.map((service) => [service.name, configHash(service)]));

describe("the proxy’s image", () => {
  it("is named by what is in it: built again from the same it is the same, and otherwise another", async () => {
    const folder = mkdtempSync(join(tmpdir(), "switchyard-image-"));
    const put = (file: string, text: string) => {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    };
    const parts = ["package.json", "media/l10n/bundle.json", "dist/cli.js", "dist/chunks/a.js"];
    for (const file of parts) put(file, file);
    const tag = await proxyTagOf(folder);
    expect(tag).toMatch(/^[0-9a-f]{12}$/);
    for (const file of parts) put(file, file);
    utimesSync(join(folder, "dist/cli.js"), 1, 1);
    expect(await proxyTagOf(folder)).toBe(tag);
    put("dist/chunks/a.js", "b");
    expect(await proxyTagOf(folder)).not.toBe(tag);
    rmSync(join(folder, "dist"), { recursive: true });
    await expect(proxyTagOf(folder)).rejects.toMatchObject({ kind: "bad-input" });
    rmSync(folder, { recursive: true });
  });
});

describe("the stack", () => {
  it("is written to the Compose files as it is described", () => {
    const files = deployFiles();
    const written = globSync("deploy/{compose,proxy}/*").map((file) => file.replace("deploy/", ""));
    expect(new Set(written.filter((file) => file !== "compose/secrets"))).toEqual(new Set(files.keys()));
    for (const [file, text] of files) expect(readFileSync(`deploy/${file}`, "utf8"), file).toBe(text);
  });

  it("publishes nothing beyond this machine, in no variant", () => {
    for (const [file, text] of deployFiles()) {
      if (!/compose(\.\w+)?\.yaml$/.test(file) || file.includes("production")) continue;
      expect(text.match(/^ {4}ports: \["127\.0\.0\.1:\d+:\d+"\]$/gm)).toHaveLength(5);
      expect(text).not.toMatch(/network_mode|privileged/);
    }
  });

  it("gives secrets as such: of a bound file that is missing an engine makes a folder", () => {
    for (const [file, text] of deployFiles()) {
      if (!/compose(\.\w+)?\.yaml$/.test(file) || file.includes("production")) continue;
      const { services, secrets } = parse(text);
      const all: readonly { readonly volumes: readonly string[]; readonly secrets?: readonly object[] }[] =
        Object.values(services);
      expect(all.flatMap(({ volumes }) => volumes).filter((volume) => volume.includes("secrets/"))).toEqual([]);
      expect(all.flatMap((service) => service.secrets ?? [])).toEqual([
        { source: "proxy-token", target: "/etc/prometheus/token" },
        { source: "grafana-password", target: "/var/lib/grafana/admin-password" },
        { source: "proxy-token", target: "/home/node/switchyard/proxy-token" },
      ]);
      expect(Object.keys(secrets)).toEqual(["proxy-token", "grafana-password"]);
    }
  });

  it("pins every image to one version", () => {
    for (const image of imagesOf(describeStack(defaultChoice))) {
      expect(image).toMatch(/:v?\d+\.\d+\.\d+(-\w+)?$|^switchyard\/local-llm-proxy:local$/);
    }
  });

  it("asks for the graphics card only in its variant", () => {
    const text = (variant: (typeof defaultChoice)["variant"]) =>
      composeFile(describeStack({ ...defaultChoice, variant }));
    expect(text("cpu")).not.toMatch(/driver: nvidia|devices:/);
    expect(text("nvidia")).toContain("driver: nvidia");
    expect(text("amd")).toMatch(/-rocm\n(.*\n)*.*\/dev\/kfd/);
    expect(text("vulkan")).toContain('OLLAMA_VULKAN: "1"');
  });

  it("gives the model server the person’s proxy and certificates, a proxy of this machine by the name it has inside", () => {
    const choice = { ...defaultChoice, downloadProxy: "http://127.0.0.1:7890", caFile: "/home/me/ca.pem" };
    const [ollama] = describeStack(choice).services;
    expect(ollama?.environment).toMatchObject({
      HTTPS_PROXY: "http://host.docker.internal:7890",
      NO_PROXY: "localhost,127.0.0.1",
      SSL_CERT_FILE: "/root/.ollama/switchyard-ca.pem",
    });
    expect(ollama?.callsHost).toBe(true);
    expect(ollama?.files).toEqual([
      { target: "/root/.ollama/switchyard-ca.pem", owner: 0, from: { kind: "host", path: "/home/me/ca.pem" } },
    ]);
    const [plain] = describeStack(defaultChoice).services;
    expect(JSON.stringify(plain)).not.toMatch(/PROXY|CERT|callsHost/);
    const [far] = describeStack({ ...defaultChoice, downloadProxy: "http://proxy.example.com:3128" }).services;
    expect(far?.environment["HTTPS_PROXY"]).toBe("http://proxy.example.com:3128");
    const [known] = describeStack({ ...defaultChoice, downloadProxy: "http://ann:pw@localhost:3128" }).services;
    expect(known?.environment["HTTPS_PROXY"]).toBe("http://ann:pw@host.docker.internal:3128");
  });

  it("has further model servers that share the models and throw away nothing of each other", () => {
    const { services } = describeStack({ ...defaultChoice, replicas: 2 });
    const servers = services.filter(({ name }) => name.startsWith("ollama"));
    expect(servers.map(({ name, port }) => [name, port.host])).toEqual([
      ["ollama", 11434],
      ["ollama-2", 11435],
      ["ollama-3", 11436],
    ]);
    expect(new Set(servers.map(({ volumes }) => volumes[0]?.name))).toEqual(new Set(["switchyard-models"]));
    expect(servers.map(({ environment }) => environment["OLLAMA_NOPRUNE"])).toEqual([undefined, "1", "1"]);
  });

  it("lets the service in its container finish what is begun before it is killed, as it says it does", () => {
    const stack = describeStack(defaultChoice);
    const service = stack.services.find(({ name }) => name === "local-llm-proxy");
    // `serve` gives answers 30 seconds.
    expect(service && createOptions(stack, service, 8000, "").StopTimeout).toBe(35);
    for (const text of [composeFile(stack), productionFile(stack)]) {
      const own = text.slice(text.indexOf("  local-llm-proxy:\n"));
      expect(own).toMatch(/^ {4}stop_grace_period: 35s$/m);
    }
  });

  it("has a hash that changes with each setting of a service and with nothing of another", () => {
    const before = hashes(defaultChoice);
    expect(hashes(defaultChoice)).toEqual(before);
    const more = hashes({ ...defaultChoice, modelMemoryMiB: 4096 });
    expect(more.ollama).not.toBe(before.ollama);
    expect(more.redis).toBe(before.redis);
  });
});
