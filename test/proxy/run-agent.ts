// Agents that people use, for one question each, quiet and without a terminal.
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { agentProgram } from "../../scripts/agents.ts";

interface Said {
  readonly out: string;
  readonly errors: string;
}

type Environment = Readonly<Record<string, string>>;

/** With nothing in its environment but what is named. Ends within 90 s. */
export function runAgent(
  program: string | undefined,
  args: readonly string[],
  cwd: string,
  env: Environment,
): Promise<Said> {
  const child = spawn(program ?? "", [...args], {
    cwd,
    env: { PATH: process.env["PATH"], NO_PROXY: "127.0.0.1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 90_000,
  });
  let out = "";
  let errors = "";
  child.stdout.on("data", (piece) => {
    out += piece;
  });
  child.stderr.on("data", (piece) => {
    errors += piece;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve({ out, errors }));
  });
}

interface Told {
  readonly result?: string;
  readonly is_error?: boolean;
  readonly num_turns?: number;
}

export async function runClaudeCode(
  args: readonly string[],
  cwd: string,
  env: Environment,
): Promise<{ told: Told; errors: string }> {
  const quiet = {
    ANTHROPIC_API_KEY: "",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
  };
  const all = ["-p", ...args, "--output-format", "json"];
  const { out, errors } = await runAgent(agentProgram("claudeCode"), all, cwd, { ...quiet, ...env });
  try {
    return { told: JSON.parse(out), errors };
  } catch {
    throw new Error(`no answer: ${out} ${errors}`);
  }
}

export interface CodexOptions {
  readonly home: string;
  /** Of the service. */
  readonly url: string;
  readonly token: string;
  readonly model: string;
}

/** @param cwd a folder made for this: nothing asks before a command is run in it */
export async function runCodex(
  question: string,
  cwd: string,
  { home, url, token, model }: CodexOptions,
  env: Environment,
): Promise<Said> {
  const config = [
    `model = "${model}"`,
    'model_provider = "local"',
    "[analytics]",
    "enabled = false",
    "[model_providers.local]",
    'name = "local"',
    `base_url = "${url}/v1"`,
    'env_key = "LOCAL_TOKEN"',
    'wire_api = "responses"',
    "",
  ].join("\n");
  await writeFile(join(home, "config.toml"), config);
  const args = ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", question];
  return runAgent(agentProgram("codex"), args, cwd, { HOME: home, CODEX_HOME: home, LOCAL_TOKEN: token, ...env });
}
