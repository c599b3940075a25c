// switchyard setup: what it would do on each system, and a run of it in a shell.
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelsToGet, planServer, type SetupFacts } from "../../src/cli/setup-plan.ts";

const facts: SetupFacts = { platform: "linux", has: () => false, isRoot: false, hasEngine: false, choice: "auto" };
const having = (...programs: readonly string[]) => ({ has: (program: string) => programs.includes(program) });

describe("setting up", () => {
  it("uses an Ollama that answers, and starts one that is installed", () => {
    expect(planServer({ ...facts, ollama: "127.0.0.1:11434", hasEngine: true })).toMatchObject({ kind: "use" });
    expect(planServer({ ...facts, ...having("ollama") })).toEqual({ kind: "start", command: ["ollama", "serve"] });
  });

  it("takes containers where an engine is and nothing else, and on a Mac never", () => {
    expect(planServer({ ...facts, hasEngine: true, ...having("pacman") }).kind).toBe("containers");
    expect(planServer({ ...facts, hasEngine: true, platform: "darwin" }).kind).toBe("built-in");
    expect(planServer({ ...facts, hasEngine: true, ollama: "x", choice: "containers" }).kind).toBe("containers");
  });

  it("offers the system’s own package manager, and something else for who says no", () => {
    expect(planServer({ ...facts, ...having("pacman") })).toMatchObject({
      kind: "install",
      command: ["sudo", "pacman", "-S", "--noconfirm", "ollama"],
      otherwise: { kind: "built-in" },
    });
    expect(planServer({ ...facts, platform: "darwin", ...having("brew") })).toMatchObject({
      command: ["brew", "install", "ollama"],
    });
    expect(planServer({ ...facts, platform: "win32", ...having("winget") })).toMatchObject({ kind: "install" });
    // Nobody's script from the network is ever run.
    expect(JSON.stringify(planServer({ ...facts, ...having("curl", "sh") }))).not.toContain("curl");
    expect(planServer({ ...facts, choice: "ollama", hasEngine: true, ...having("apk"), isRoot: true })).toMatchObject({
      command: ["apk", "add", "ollama"],
    });
  });

  it("gets the three models of the design, or of the current ones what the machine can run, and none twice", () => {
    const design = ["deepseek-coder:6.7b", "qwen2.5:7b", "llama3.1:8b"];
    expect(modelsToGet("design", () => false, [])).toEqual(design);
    expect(modelsToGet("design", () => false, ["qwen2.5:7b-instruct"])).toEqual([design[0], design[2]]);
    expect(modelsToGet("current", (model) => model === "qwen3.5:4b", [])).toEqual(["qwen3.5:4b"]);
    expect(modelsToGet("current", () => false, [])).toEqual([]);
  });
});

describe("switchyard setup", () => {
  const home = mkdtempSync(join(tmpdir(), "switchyard-setup-"));
  const installed = new Set<string>();
  const pulled: string[] = [];
  let server: Server;
  let url = "";

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answers: Record<string, object> = {
        "/api/version": { version: "0.31.1" },
        "/api/ps": { models: [] },
        "/api/show": { capabilities: ["completion"], model_info: {}, details: {} },
        "/api/tags": {
          models: [...installed].map((name) => ({ name, model: name, size: 1000, digest: "d", details: {} })),
        },
      };
      if (request.url === "/api/pull") {
        const { model, name } = JSON.parse(Buffer.concat(chunks).toString());
        pulled.push(model ?? name);
        installed.add(model ?? name);
        return void response
          .writeHead(200, { "content-type": "application/x-ndjson" })
          .end('{"status":"pulling manifest"}\n{"status":"success"}\n');
      }
      const answer = answers[request.url ?? ""];
      response.writeHead(answer ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(answer ?? {}));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(home, { recursive: true, force: true });
  });

  const setup = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    new Promise<{ readonly code: number; readonly out: string; readonly err: string }>((resolve) => {
      const given = {
        SWITCHYARD_HOME: home,
        HOME: home,
        SWITCHYARD_DOCKER_HOST: "unix:///nowhere",
        LC_ALL: "C",
        ...env,
      };
      const options = { env: { ...process.env, ...given } };
      const child = execFile(process.execPath, ["src/cli/main.ts", "setup", ...args], options, (error, out, err) =>
        resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err }),
      );
      child.stdin?.end();
    });

  it("says what it would do, gets what is missing, says where everything is, and does nothing twice", async () => {
    const env = { SWITCHYARD_OLLAMA_URL: url };
    const dry = await setup(["--models", "design", "--dry-run"], env);
    expect(dry.err).toContain(`Ollama answers at ${new URL(url).host}; it is used.`);
    expect(dry.err).toContain("would get deepseek-coder:6.7b");
    expect(pulled).toEqual([]);
    const first = await setup(["--models", "design"], env);
    expect(first.err).toContain("3. Health");
    expect(pulled).toEqual(["deepseek-coder:6.7b", "qwen2.5:7b", "llama3.1:8b"]);
    expect(first.code).toBe(0);
    expect(first.out).toContain(`Ollama at ${new URL(url).host} 0.31.1: models: 3`);
    expect(first.out).toContain(join(home, "config.json"));
    const again = await setup(["--models", "design", "--yes"], env);
    expect(again.err).toContain("Nothing is missing.");
    expect(pulled).toHaveLength(3);
  });

  it("gets the models of the design into the built-in engine too, and takes no other server than the one named", async () => {
    const env = { PATH: "", SWITCHYARD_ENGINE: "embedded" };
    const design = await setup(["--with", "built-in", "--models", "design", "--dry-run"], env);
    for (const model of ["deepseek-coder:6.7b", "qwen2.5:7b", "llama3.1:8b"])
      expect(design.err).toContain(`would get ${model}`);
    const named = await setup(["--with", "containers", "--dry-run"], env);
    expect(named).toMatchObject({ code: 3, err: expect.stringContaining("no Docker engine answers") });
  });

  it.skipIf(process.platform !== "linux")(
    "installs nothing without a yes, and on a yes runs the command that it shows",
    async () => {
      const record = join(home, "ran");
      const bin = mkdtempSync(join(home, "bin-"));
      const put = (name: string, script: string) => {
        writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
        chmodSync(join(bin, name), 0o755);
      };
      put("sudo", 'exec "$@"');
      put("pacman", `echo "pacman $*" >> ${record}; exit 3`);
      // Where an Ollama of this machine answers at its usual port there is nothing to install.
      const usual = await fetch("http://127.0.0.1:11434/api/version").then(
        () => true,
        () => false,
      );
      if (usual) return;
      const env = { PATH: bin, SWITCHYARD_ENGINE: "auto", OLLAMA_HOST: "127.0.0.1:9" };
      const asked = await setup(["--with", "ollama", "--models", "none"], env);
      expect(asked.err).toMatch(/Not installed\. It can be done later: (sudo )?pacman -S --noconfirm ollama/);
      expect(existsSync(record)).toBe(false);
      const agreed = await setup(["--with", "ollama", "--models", "none", "--yes"], env);
      expect(readFileSync(record, "utf8")).toBe("pacman -S --noconfirm ollama\n");
      expect(agreed.code).toBe(1);
      expect(agreed.err).toContain("ended with 3");
      rmSync(record);
      const offline = await setup(["--with", "ollama", "--models", "none", "--yes", "--offline"], env);
      expect(offline.code).toBe(5);
      expect(existsSync(record)).toBe(false);
    },
  );
});
