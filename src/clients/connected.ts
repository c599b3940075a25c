// Which programs are set up. Apart from how they are: that reads the parsers of their files.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ClientId, clientIds } from "./client.ts";

/** Programs that are set up. */
export function connectedIds(home: string): readonly ClientId[] {
  return clientIds.filter((id) => existsSync(recordPath(home, id)));
}

export const recordPath = (home: string, id: ClientId) => join(home, "connections", `${id}.json`);
