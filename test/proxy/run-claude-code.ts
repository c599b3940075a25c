// Claude Code for one question, quiet and without a terminal.
import { spawn } from "node:child_process";

interface Told {
  readonly result?: string;
  readonly is_error?: boolean;
  readonly num_turns?: number;
}

/** Asks it one question, with nothing in its environment but what is named here. Ends within 90 s. */
export function runClaudeCode(
  program: string | undefined,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<{ told: Told; errors: string }> {
  const child = spawn(program ?? "", ["-p", ...args, "--output-format", "json"], {
    cwd,
    env: {
      PATH: process.env["PATH"],
      ANTHROPIC_API_KEY: "",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_ERROR_REPORTING: "1",
      NO_PROXY: "127.0.0.1",
      ...env,
    },
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
    child.once("close", () => {
      try {
        resolve({ told: JSON.parse(out), errors });
      } catch {
        reject(new Error(`no answer: ${out} ${errors}`));
      }
    });
  });
}
