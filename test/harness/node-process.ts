// A Node process of its own that runs a piece of program and is talked to by lines.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface NodeProcess {
  readonly pid: number;
  /** Its next line; rejects with what it complained of when it has ended. */
  line(): Promise<string>;
  say(line: string): void;
  signal(name: NodeJS.Signals): void;
  /** At once, also where it stands still. */
  kill(): Promise<void>;
}

/** @param program an ES module; files of the source are imported by their whole address */
export function startNode(program: string, ...args: readonly string[]): NodeProcess {
  const flags = ["--no-warnings", "--input-type=module", "-e", program];
  const child: ChildProcess = spawn(process.execPath, [...flags, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  child.stderr?.on("data", (piece: Buffer) => {
    complaint += piece.toString();
  });
  const ended = once(child, "close");
  if (!child.stdout) throw new Error("no output");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    async line() {
      const next = await lines.next();
      if (!next.done) return next.value;
      await ended;
      throw new Error(complaint || "it has ended");
    },
    say: (line) => void child.stdin?.write(`${line}\n`),
    signal: (name) => void child.kill(name),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

export const sourceOf = (file: string) => new URL(`../../src/${file}`, import.meta.url).href;
