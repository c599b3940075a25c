// Offline, proven where it counts: the system calls of every feature, on a real model.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { findProgram } from "../../scripts/debian.ts";
import { testHome } from "../../scripts/folders.ts";
import { freePort } from "../../scripts/free-port.ts";
import { readRegistration } from "../../src/backends/embedded/registration.ts";

const root = join(import.meta.dirname, "..", "..");
const strace = findProgram("strace");
const token = "sy-offline-test";
let folder = "";
/** One for each of the two that run side by side. */
const homeOf = (name: "offline" | "online") => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-offline-"));
  for (const home of [homeOf("offline"), homeOf("online")]) {
    await mkdir(home);
    await symlink(join(testHome(), "models"), join(home, "models"), "dir");
  }
  await writeFile(join(folder, "end-engine.mjs"), endEngine);
  await writeFile(join(folder, "mean.js"), "export const mean = (xs) => xs.reduce((a, b) => a + b) / xs.length;\n");
  await writeFile(join(folder, "guide.md"), "Run it now.\n");
  // All that could lure it away: a key, a gateway, a server, a Redis and a trusted host, none of them on this machine.
  const config = {
    claudeBaseUrl: "https://192.0.2.1",
    ollamaUrl: "http://192.0.2.2:11434",
    redisUrl: "redis://192.0.2.3:6379",
    trustedHosts: ["192.0.2.2:11434", "192.0.2.3:6379"],
    weightSources: ["https://192.0.2.4/{file}"],
    serviceClaude: "pass",
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
});
afterAll(async () => {
  for (const home of [homeOf("offline"), homeOf("online")]) {
    const registration = await readRegistration(home);
    if (registration) process.kill(registration.pid);
  }
  await rm(folder, { recursive: true, force: true });
});

/** An engine that is not asked to ends when it was idle for 15 s. */
const endEngine = `
import { readRegistration } from ${JSON.stringify(new URL("../../src/backends/embedded/registration.ts", import.meta.url).href)};
const registration = await readRegistration(process.env.SWITCHYARD_HOME);
if (registration) process.kill(registration.pid);
`;
const engineEnds = () => `'${process.execPath}' '${join(folder, "end-engine.mjs")}'`;

const commandOf = (args: readonly string[]) => {
  const cli = [process.execPath, join(root, "dist", "cli.js"), "--config", join(folder, "config.json")];
  return [...cli, ...args].map((word) => `'${word}'`).join(" ");
};

/** A service, and a program that asks it for Claude itself and writes down what it is answered. */
async function claudeThrough(flags: readonly string[]) {
  const port = await freePort();
  const told = join(folder, `told-${port}`);
  const program = join(folder, `ask-${port}.mjs`);
  const headers = {
    "x-api-key": "sk-ant-test-not-a-key",
    "x-switchyard-token": token,
    "content-type": "application/json",
  };
  const body = JSON.stringify({
    model: "claude-sonnet-5-5",
    max_tokens: 1,
    messages: [{ role: "user", content: "hi" }],
  });
  const init = JSON.stringify({ method: "POST", headers, body });
  const text = `import { writeFileSync } from "node:fs";
    for (let tries = 0; tries < 200; tries++) {
      const answer = await fetch("http://127.0.0.1:${port}/v1/messages", ${init}).catch(() => undefined);
      if (answer) { writeFileSync("${told}", answer.status + " " + await answer.text()); break; }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }`;
  await writeFile(program, text);
  const serve = commandOf(["serve", "--port", String(port), "--drain", "0", ...flags]);
  return { script: `${serve} & it=$!; '${process.execPath}' '${program}'; kill $it; wait $it`, told };
}

/** Runs these in a shell, one after the other, and gives every address that any process tried to reach, the engine too. */
async function addressesOf(home: string, ...commands: readonly string[]): Promise<readonly string[]> {
  const log = join(folder, `calls-${crypto.randomUUID()}`);
  const calls = ["-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", log];
  const script = commands.join("; ");
  const env = {
    PATH: process.env["PATH"],
    SWITCHYARD_HOME: home,
    ANTHROPIC_API_KEY: "sk-ant-test-not-a-key",
    OLLAMA_HOST: "192.0.2.5",
    SWITCHYARD_PROXY_TOKEN: token,
  };
  // It ends when the engine has ended.
  await new Promise<void>((resolve) => {
    const options = { cwd: folder, env, timeout: 150_000, maxBuffer: 1 << 24 };
    const child = execFile(strace ?? "strace", [...calls, "sh", "-c", script], options, () => resolve());
    child.stdin?.end();
  });
  const lines = (await readFile(log, "utf8")).split("\n");
  return lines.flatMap((line) => {
    const found = /inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"/.exec(line);
    return found ? [found[1] ?? found[2] ?? ""] : [];
  });
}

const isHere = (address: string) =>
  address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");

describe.skipIf(!strace).concurrent("with Offline on", { timeout: 180_000 }, () => {
  const max = ["--max-tokens", "8"];
  const features: readonly (readonly string[])[] = [
    ["review", "mean.js", ...max],
    ["explain", "mean.js", ...max],
    ["document", "mean.js", ...max],
    ["translate", "guide.md", "--stdout", ...max],
    ["ask", "analyze the trade-offs of this strategy", "--allow-cloud", ...max],
    ["ask", "hello", "--model", "claude-sonnet-5-5", "--allow-cloud", ...max],
    ["classify", "hello"],
    ["models"],
    ["models", "pull", "qwen2.5:7b"],
    ["status"],
    ["ledger"],
  ];
  it("no feature reaches anything beyond this machine, nor does the engine until it ends by itself, and it is asked", async ({
    expect,
  }) => {
    const { script, told } = await claudeThrough(["--offline"]);
    const commands = features.map((args) => commandOf([...args, "--offline"]));
    const addresses = await addressesOf(homeOf("offline"), ...commands, script);
    expect(await readFile(told, "utf8")).toMatch(/^403 .*switchyard\.offline/);
    expect(addresses.filter((address) => !isHere(address))).toEqual([]);
    expect(addresses).toContain("127.0.0.1");
  });
});

describe.skipIf(!strace).concurrent("without it", { timeout: 180_000 }, () => {
  it("the same look at the system calls sees what goes out", async ({ expect }) => {
    const ask = commandOf(["ask", "analyze this", "--model", "claude-sonnet-5-5", "--allow-cloud"]);
    expect(await addressesOf(homeOf("online"), ask, engineEnds())).toContain("192.0.2.1");
    const { script, told } = await claudeThrough([]);
    expect(await addressesOf(homeOf("online"), script, engineEnds())).toContain("192.0.2.1");
    expect(await readFile(told, "utf8")).toMatch(/^503 /);
  });
});
