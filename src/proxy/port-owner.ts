// Who has a port, where that can be found out.
import { readdir, readFile, readlink } from "node:fs/promises";

/** Name and process id of the program that listens on a port of this machine; undefined where it cannot be told. */
export async function portOwner(port: number): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  const sockets = await socketsOn(port);
  if (sockets.size === 0) return undefined;
  for (const pid of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    // Processes of other people do not let themselves be looked into.
    for (const handle of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${handle}`).catch(() => "");
      if (!sockets.has(target)) continue;
      const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
      return `${name} (${pid})`;
    }
  }
  return undefined;
}

/** As the links of a process name them. */
async function socketsOn(port: number): Promise<ReadonlySet<string>> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const found = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of (await readFile(table, "utf8").catch(() => "")).split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      const isListening = fields[3] === "0A";
      if (isListening && fields[1]?.endsWith(wanted)) found.add(`socket:[${fields[9]}]`);
    }
  }
  return found;
}
