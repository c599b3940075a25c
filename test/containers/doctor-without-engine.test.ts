// What the doctor finds without a Docker engine: the network, the machine, and the report for an issue.
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkCertificates, checkLocalhost } from "../../src/containers/doctor-network.ts";
import { checkServers } from "../../src/containers/doctor-servers.ts";
import { withoutEngine } from "../../src/containers/no-engine.ts";
import type { ServerStatus } from "../../src/core/app.ts";
import type { InstalledModel } from "../../src/core/backend.ts";
import { redact } from "../../src/core/doctor-report.ts";
import { formatMessage } from "../../src/core/message.ts";
import type { DoctorFinding } from "../../src/core/services.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import { createBench, never, up } from "./harness.ts";

const textOf = ({ evidence }: DoctorFinding) => evidence.map((each) => formatMessage(each)).join("\n");

describe("the doctor’s look at the network", () => {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-ca-"));
  const file = join(folder, "ca.pem");
  const day = (text: string) => Date.parse(text);

  it("tells an expired certificate, and a file that has none, from a good one", async () => {
    writeFileSync(file, certificate);
    expect(await checkCertificates(file, day("2026-12-01"))).toEqual([]);
    const [over] = await checkCertificates(file, day("2027-03-01"));
    expect(over && textOf(over)).toMatch(/CN=Example Corp Root: valid until Dec 25 .*2026/);
    writeFileSync(file, "nothing");
    const [none] = await checkCertificates(file);
    expect(none && textOf(none)).toBe(`${file}: no certificate in it`);
    rmSync(folder, { recursive: true });
    const [gone] = await checkCertificates(file);
    expect(gone?.id).toBe("certificate-trouble");
  });

  it("minds the name localhost only where it is used and stands for ::1 alone", async () => {
    const six = async () => [{ address: "::1", family: 6 }];
    const both = async () => [...(await six()), { address: "127.0.0.1", family: 4 }];
    const env = { OLLAMA_HOST: "http://localhost:11434" };
    expect(await checkLocalhost({}, six)).toEqual([]);
    expect(await checkLocalhost(env, both)).toEqual([]);
    const [found] = await checkLocalhost(env, six);
    expect(found && textOf(found)).toBe("localhost: ::1\nOLLAMA_HOST is http://localhost:11434");
  });

  it("says in WSL, in a container and on a remote machine where an engine has to be", () => {
    const repair = (env: Readonly<Record<string, string>>, path = "") =>
      formatMessage(withoutEngine([], env, (each) => each === path).repair);
    expect(repair({ WSL_DISTRO_NAME: "Ubuntu" })).toContain("WSL Integration");
    expect(repair({}, "/.dockerenv")).toContain("/var/run/docker.sock");
    expect(repair({ SSH_CONNECTION: "1" })).toContain("remote machine");
    expect(repair({})).toContain("Install Docker");
  });
});

it("what fails for want of an engine says why there is none, and what to do", async () => {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-no-engine-"));
  const socket = join(folder, "docker.sock");
  const bench = await createBench(`unix://${socket}`);
  const said = () => up(bench.services).then(String, (error: unknown) => String(error));
  expect(await said()).toContain("No Docker engine was found.");
  // What is left of an engine that was killed.
  const child = spawnSync(process.execPath, [
    "--eval",
    `net.createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 9))`,
  ]);
  expect(child.signal).toBe("SIGKILL");
  expect(await said()).toContain("The Docker engine is stopped. Start Docker Desktop, or on Linux:");
  rmSync(folder, { recursive: true });
  rmSync(bench.home, { recursive: true });
});

describe("the report for an issue", () => {
  it("has what is wrong, and neither names, paths, addresses nor secrets", () => {
    const token = `sy-${"aB3dE5gH7jK9mN1pQ3sT5vX7"}`;
    const text = redact(
      [
        "unix:///run/user/1000/docker.sock and /home/ada/project/ca.pem on ada-laptop",
        "http://ada:s3cretpass@10.1.2.3:8080 and 127.0.0.1:11434 and 0.0.0.0:6379",
        `Authorization: Bearer ${token}`,
        "C:\\Users\\ada\\models\\x.gguf, ollama/ollama:0.31.1",
      ].join("\n"),
      ["ada", "/home/ada", "ada-laptop"],
    );
    expect(text).not.toMatch(/ada|s3cretpass|10\.1\.2\.3|\/home|Users|run\/user/);
    expect(text).not.toContain(token);
    for (const kept of ["docker.sock", "ca.pem", "127.0.0.1:11434", "0.0.0.0:6379", "ollama/ollama:0.31.1"])
      expect(text).toContain(kept);
  });
});

const certificate = `-----BEGIN CERTIFICATE-----
MIIBjDCCATOgAwIBAgIUX+v91/gqFKXJvTkX1xw8wyENuq8wCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRRXhhbXBsZSBDb3JwIFJvb3QwHhcNMjYxMTI1MTk1NjMzWhcN
MjYxMjI1MTk1NjMzWjAcMRowGAYDVQQDDBFFeGFtcGxlIENvcnAgUm9vdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABEPQiov3WFXYam7SDOAHhMS2BSJj4Tkt/d6H
sinK9GgcIeRZvQGl3grn1duWyYW/yqkvLiloBjoYBglLB7eN3pWjUzBRMB0GA1Ud
DgQWBBRVaqSkCYx6i2VtEeu/7eT3y71AGDAfBgNVHSMEGDAWgBRVaqSkCYx6i2Vt
Eeu/7eT3y71AGDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIFjF
0rB2VXKM8Bp1JVcAGgM0wOZReFVLMjdzugzxSQvKAiB7brCuFsYC6XJayOZolNGS
6MicLoE3A8xCZ5Y0v7XXQA==
-----END CERTIFICATE-----
`;

const model: InstalledModel = {
  name: "m",
  backend: "Ollama at 127.0.0.1:11434",
  place: "this-machine",
  sizeBytes: 1,
  capabilities: [],
};
/** What was set is silent, and the usual address answers in its place. */
const answering: ServerStatus = {
  name: model.backend,
  tried: [
    { address: "http://gpu-box:11434", outcome: "connection refused" },
    { address: "http://127.0.0.1:11434", outcome: "Ollama 0.31.1" },
    { address: "10.0.0.5:8001", outcome: "no answer in time" },
  ],
  models: [model],
  loaded: [],
};

describe("the doctor’s look at model servers", () => {
  const look = (settings: Partial<Settings>) => checkServers([answering], { ...defaultSettings, ...settings });

  it("finds each that was set and is silent, though another one answers", () => {
    const found = look({ ollamaUrl: "gpu-box:11434", nodes: [{ url: "http://10.0.0.5:8001/v1", kind: "openai" }] });
    expect(found.map(textOf)).toEqual(["http://gpu-box:11434: connection refused", "10.0.0.5:8001: no answer in time"]);
    expect(found[0]).toMatchObject({ id: "server-silent", severity: "problem" });
  });

  it("minds none that answers, that nobody set, or that is not asked", () => {
    expect(look({})).toEqual([]);
    expect(look({ ollamaUrl: "http://127.0.0.1:11434" })).toEqual([]);
    expect(look({ engine: "embedded", ollamaUrl: "gpu-box:11434" })).toEqual([]);
  });
});

describe("the doctor without an engine", () => {
  it.skipIf(process.platform === "win32")("tells what was tried, and tells a stopped engine from none", async () => {
    const none = await createBench("unix:///nowhere/docker.sock");
    const [missing] = await none.services.doctor(never);
    expect(missing).toMatchObject({ id: "engine-missing", severity: "problem", canRepair: false });
    expect(missing && textOf(missing)).toContain("unix:///nowhere/docker.sock: no such socket");
    await expect(up(none.services)).rejects.toMatchObject({ kind: "server-unreachable" });
    // Who has models all the same needs none.
    const [spared] = await none.again({ servers: async () => [answering] }).doctor(never);
    expect(spared).toMatchObject({ id: "engine-missing", severity: "warning" });
    // A socket whose program was killed stays behind.
    const left = join(none.home, "docker.sock");
    const program = `require("node:net").createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, "SIGKILL"))`;
    await new Promise((resolve) => execFile(process.execPath, ["-e", program], resolve));
    const [stopped] = await none.again({}, { SWITCHYARD_DOCKER_HOST: `unix://${left}` }).doctor(never);
    expect(stopped?.id).toBe("engine-stopped");
    rmSync(none.home, { recursive: true, force: true });
  });
});
