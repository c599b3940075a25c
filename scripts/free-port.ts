import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give to connections and servers which leave the choice to them. */
const [firstPort, lastPort] = [20_000, 32_000] as const;

/**
 * A port of this machine that nothing listens on, for a server that is told its port and starts later: until then nobody
 * takes it by chance, as happens to a port that the system had chosen.
 */
export async function freePort(): Promise<number> {
  for (let round = 0; round < 100; round++) {
    const port = randomInt(firstPort, lastPort);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error(`No port between ${firstPort} and ${lastPort} is free.`);
}
