// Images for the tests, made on the spot: nothing is pulled. A root folder gets programs of this machine with the
// libraries they name. Redis is the real one; under Ollama's name runs our own engine, which answers as Ollama does.
import { execFileSync, spawn } from "node:child_process";
import { chmod, chown, copyFile, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { ask } from "./docker.ts";
import { smallModel, testHome, weightsOf } from "./folders.ts";
import { findOllama, startRealOllama } from "./ollama.ts";
import { copyPackages, thisTarget } from "./package.ts";
import { ensurePrometheus } from "./prometheus.ts";
import { ensureRedis } from "./redis.ts";
import { root } from "./run.ts";

/** The image's own account of Redis, as the official one has it. */
const redisAccount = { user: 999, group: 1000 } as const;

const nodeAccount = 1000;
const nobody = 65_534;
const grafanaAccount = 472;

/** @param tag such as `redis:7.4.8-alpine` */
export async function importRedis(socket: string, tag: string): Promise<void> {
  const server = await ensureRedis();
  await withFolder(async (folder) => {
    await putProgram(folder, server, "/usr/local/bin/redis-server");
    await putProgram(folder, join(dirname(server), "redis-cli"), "/usr/local/bin/redis-cli");
    await mkdir(join(folder, "data"));
    await chown(join(folder, "data"), redisAccount.user, redisAccount.group);
    await mkdir(join(folder, "tmp"));
    await importFolder(socket, folder, tag, ["WORKDIR /data", 'CMD ["redis-server"]']);
  });
}

/**
 * Our own engine under Ollama's name, or with `SWITCHYARD_TEST_OLLAMA=real` Ollama itself (`node scripts/ollama.ts`).
 * @param tag such as `ollama/ollama:0.31.1`; the test's small model lies in it, where a new volume takes it from
 */
export async function importOllama(socket: string, tag: string): Promise<void> {
  if (process.env["SWITCHYARD_TEST_OLLAMA"] === "real") return importRealOllama(socket, tag);
  await withFolder(async (folder) => {
    const app = join(folder, "app");
    await putProgram(folder, process.execPath, "/usr/local/bin/node");
    await build({
      entryPoints: { engine: join(root, "src/backends/embedded/main.ts") },
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["node-llama-cpp"],
      outdir: app,
      banner: {
        js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
      },
      logLevel: "warning",
    });
    await writeFile(join(app, "package.json"), '{"type":"module"}');
    await copyPackages(["node-llama-cpp"], thisTarget, app);
    await putLibraries(folder, join(app, "node_modules/@node-llama-cpp/linux-x64/bins"));
    await cp(join(testHome(), "models"), join(folder, "root/.ollama/models"), { recursive: true });
    await mkdir(join(folder, "tmp"));
    await mkdir(join(folder, "usr/bin"), { recursive: true });
    await writeFile(join(folder, "usr/bin/ollama"), ollamaProgram);
    await chmod(join(folder, "usr/bin/ollama"), 0o755);
    await importFolder(socket, folder, tag, ['ENTRYPOINT ["/usr/bin/ollama"]', 'CMD ["serve"]']);
  });
}

async function importRealOllama(socket: string, tag: string): Promise<void> {
  const program = findOllama();
  if (!program) throw new Error("There is no Ollama here. Build it: node scripts/ollama.ts");
  await withFolder(async (folder) => {
    await putProgram(folder, program, "/usr/bin/ollama");
    const home = join(folder, "root/.ollama");
    await mkdir(home, { recursive: true });
    const server = await startRealOllama(program, home);
    try {
      await server.create(smallModel, weightsOf(smallModel));
    } finally {
      await server.stop();
    }
    await mkdir(join(folder, "tmp"));
    await importFolder(socket, folder, tag, [
      'ENTRYPOINT ["/usr/bin/ollama"]',
      'CMD ["serve"]',
      "ENV PATH=/usr/bin",
      "ENV HOME=/root",
    ]);
  });
}

/** Under Ollama's name, for tests that ask no model: it answers, and that is all. */
export async function importSilentOllama(socket: string, tag: string): Promise<void> {
  await withFolder(async (folder) => {
    await putProgram(folder, process.execPath, "/usr/local/bin/node");
    await mkdir(join(folder, "tmp"));
    // ANSWERS: a list by start of the container, each path to what is answered there.
    const program = `const end = () => process.exit(0);
for (const name of ["SIGTERM", "SIGINT"]) process.once(name, end);
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const starts = existsSync("/starts") ? Number(readFileSync("/starts", "utf8")) + 1 : 0;
try { writeFileSync("/starts", String(starts)); } catch {}
const given = JSON.parse(process.env.ANSWERS ?? "[]");
const answers = given[Math.min(starts, given.length - 1)] ?? {};
require("node:http").createServer(({ url }, response) => response.end(JSON.stringify(answers[url] ?? { version: "0.0.0" }))).listen(11434, "0.0.0.0");`;
    await writeFile(join(folder, "serve.cjs"), program);
    await importFolder(socket, folder, tag, ['ENTRYPOINT ["/usr/local/bin/node","/serve.cjs"]']);
  });
}

/** Node as its image has it: the program, and an account that owns its home. */
export async function importNode(socket: string, tag: string): Promise<void> {
  await withFolder(async (folder) => {
    await putProgram(folder, process.execPath, "/usr/local/bin/node");
    await putHome(folder, "home/node", nodeAccount, nodeAccount);
    await importFolder(socket, folder, tag, []);
  });
}

/** The real one. */
export async function importPrometheus(socket: string, tag: string): Promise<void> {
  const { prometheus } = await ensurePrometheus();
  await withFolder(async (folder) => {
    await putProgram(folder, prometheus, "/bin/prometheus");
    await putWget(folder);
    for (const home of ["prometheus", "etc/prometheus"]) await putHome(folder, home, nobody, nobody);
    await importFolder(socket, folder, tag, ['ENTRYPOINT ["/bin/prometheus"]']);
  });
}

/** Grafana is in no package here. This stands in for it: it wants the password of its file and lists its dashboards. */
export async function importGrafanaStandIn(socket: string, tag: string): Promise<void> {
  await withFolder(async (folder) => {
    await putWget(folder);
    await putHome(folder, "var/lib/grafana", grafanaAccount, 0);
    await writeFile(join(folder, "serve.cjs"), grafanaProgram);
    await importFolder(socket, folder, tag, ['ENTRYPOINT ["/usr/local/bin/node","/serve.cjs"]']);
  });
}

const grafanaProgram = `const { readFileSync, readdirSync } = require("node:fs");
process.once("SIGTERM", () => process.exit(0));
const password = readFileSync(process.env.GF_SECURITY_ADMIN_PASSWORD__FILE, "utf8").trim();
const sources = readFileSync(process.env.GF_PATHS_PROVISIONING + "/datasources/prometheus.yaml", "utf8");
const provider = readFileSync(process.env.GF_PATHS_PROVISIONING + "/dashboards/switchyard.yaml", "utf8");
const folder = /path: (.*)/.exec(provider)[1];
require("node:http").createServer((request, response) => {
  if (request.url === "/api/health") return response.end("{}");
  const wanted = "Basic " + Buffer.from("admin:" + password).toString("base64");
  if (request.headers.authorization !== wanted) return response.writeHead(401).end();
  const dashboards = readdirSync(folder).map((name) => JSON.parse(readFileSync(folder + "/" + name, "utf8")).uid);
  response.end(JSON.stringify({ dashboards, sources, prometheus: process.env.SWITCHYARD_PROMETHEUS_URL }));
}).listen(3000, "0.0.0.0");`;

/** What the images of Alpine and BusyBox have, as far as health checks want it. */
async function putWget(folder: string): Promise<void> {
  await putProgram(folder, process.execPath, "/usr/local/bin/node");
  await mkdir(join(folder, "usr/bin"), { recursive: true });
  const program = `#!/usr/local/bin/node
fetch(process.argv.at(-1)).then((said) => process.exit(said.ok ? 0 : 1), () => process.exit(1));`;
  await writeFile(join(folder, "usr/bin/wget"), program, { mode: 0o755 });
}

async function putHome(folder: string, home: string, user: number, group: number): Promise<void> {
  await mkdir(join(folder, home), { recursive: true });
  await chown(join(folder, home), user, group);
  await mkdir(join(folder, "tmp"), { recursive: true });
}

/** Speaks as `ollama serve` and `ollama list` do, as far as containers need it. */
const ollamaProgram = `#!/usr/local/bin/node
const { spawn } = require("node:child_process");
const { createServer, get, request } = require("node:http");
const inside = 11435;
if (process.argv[2] === "list") {
  fetch("http://127.0.0.1:11434/api/tags").then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1));
} else {
  const models = process.env.OLLAMA_MODELS ?? "/root/.ollama/models";
  const args = ["/app/engine.js", "--home", "/tmp/home", "--models", models, "--port", String(inside)];
  const engine = spawn("/usr/local/bin/node", args, { stdio: "inherit" });
  engine.once("exit", (code) => process.exit(code ?? 1));
  for (const name of ["SIGTERM", "SIGINT"]) process.once(name, () => engine.kill(name));
  // The engine ends when nobody holds it.
  const hold = () => get({ port: inside, host: "127.0.0.1", path: "/switchyard/lease", agent: false }, (held) => {
    held.resume();
    // As Ollama does where it listens beyond its own machine, it answers by whichever name it is asked.
    createServer((asked, answer) => {
      const { url: path, method, headers } = asked;
      const own = request({ port: inside, host: "127.0.0.1", path, method, headers: { ...headers, host: "127.0.0.1" } });
      own.once("response", (said) => {
        answer.writeHead(said.statusCode, said.headers);
        said.pipe(answer);
      });
      own.once("error", () => answer.destroy());
      answer.once("close", () => own.destroy());
      asked.pipe(own);
    }).listen(11434, "0.0.0.0", () => console.log("Listening on [::]:11434"));
  }).once("error", () => setTimeout(hold, 50));
  hold();
}
`;

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-image-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function putProgram(folder: string, program: string, place: string): Promise<void> {
  await mkdir(dirname(join(folder, place)), { recursive: true });
  await copyFile(program, join(folder, place));
  await chmod(join(folder, place), 0o755);
  await putLibraries(folder, program);
}

/** The shared libraries that a program, or the programs below a folder, name. */
async function putLibraries(folder: string, program: string): Promise<void> {
  const files = execFileSync("find", [program, "-type", "f"], { encoding: "utf8" }).trim().split("\n");
  const said = files.map((file) => {
    try {
      return execFileSync("ldd", [file], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    } catch {
      return "";
    }
  });
  const libraries = new Set([...said.join("\n").matchAll(/(?:=>\s*|^\s+)(\/\S+)/gm)].map((match) => match[1] ?? ""));
  for (const library of libraries) {
    if (library === "" || library.startsWith(folder)) continue;
    await mkdir(dirname(join(folder, library)), { recursive: true });
    await copyFile(library, join(folder, library));
  }
}

async function importFolder(socket: string, folder: string, tag: string, changes: readonly string[]): Promise<void> {
  const [name = "", version = ""] = tag.split(":");
  const query = new URLSearchParams({ fromSrc: "-", repo: name, tag: version });
  for (const change of changes) query.append("changes", change);
  const tar = spawn("tar", ["-C", folder, "--numeric-owner", "-cf", "-", "."], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { status, body } = await ask(socket, "POST", `/images/create?${query}`, tar.stdout);
  if (status !== 200 || body.includes('"error"')) throw new Error(`${tag} could not be imported: ${body}`);
}
