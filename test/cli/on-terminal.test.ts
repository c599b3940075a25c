// The command line on a terminal of its own, to which both of its streams go.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { sourceEntry } from "../harness/command-line.ts";
import { says, useShell } from "./asking-shell.ts";

const { path, serve } = useShell();
/** Of util-linux: runs a command on a terminal and hands on what it writes there. */
const script = "/usr/bin/script";

/** What stands there in the end. */
function screenOf(written: string): string {
  const lines = written.replaceAll("\r\n", "\n").split("\n");
  return lines.map((line) => line.split("\r\u001b[K").at(-1)).join("\n");
}

it.skipIf(process.platform !== "linux" || !existsSync(script))(
  "shows every word of an answer on a terminal, and then what answered",
  async () => {
    const { url } = await serve(says("It is ", "a ", "mean."));
    const command = `"${process.execPath}" "${sourceEntry}" explain mean.js`;
    const { stdout } = await promisify(execFile)(script, ["-qec", command, "/dev/null"], {
      cwd: dirname(path("mean.js")),
      env: {
        PATH: process.env["PATH"],
        LC_ALL: "C",
        SWITCHYARD_HOME: path("home"),
        SWITCHYARD_ENGINE: "ollama",
        SWITCHYARD_OLLAMA_URL: url,
      },
    });
    expect(screenOf(stdout)).toMatch(/^It is a mean\.\nExplain: qwen3\.5:9b /m);
  },
);
