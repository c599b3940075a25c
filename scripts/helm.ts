// Helm for the tests of the chart: the one that is installed, else built from its source where Go is at hand.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findProgram } from "./debian.ts";
import { cacheFolder } from "./folders.ts";
import { mustRun } from "./run.ts";

const version = "v3.19.0";
const programs = join(cacheFolder, "bin");

/** Undefined: there is none on this machine. */
export function findHelm(): string | undefined {
  return findProgram("helm") ?? [join(programs, "helm")].find(existsSync);
}

/** @throws Error with one line that names what to install */
export async function ensureHelm(): Promise<void> {
  const go = findProgram("go");
  if (!findHelm() && go) {
    console.log("Building Helm, once …");
    await mkdir(programs, { recursive: true });
    const env = { GOBIN: programs, CGO_ENABLED: "0" };
    // It takes minutes of every processor: whatever else runs goes first.
    const command = ["nice", "-n", "19", go, "install", `helm.sh/helm/v3/cmd/helm@${version}`];
    const [program = go, ...args] = process.platform === "win32" ? command.slice(3) : command;
    await mustRun(program, args, { env, isQuiet: true, limitMs: 10 * 60_000 }).catch(() => undefined);
  }
  if (!findHelm()) throw new Error("Install Helm 3, or Go to build it, then run this again.");
}
