// The service in its container asks the model servers by a name of their network, which a server has as long as it runs:
// it is told which one is about to go.
import { drainedSchema, drainPath } from "../core/drain.ts";
import { publishedPort } from "./container.ts";
import { type Engine, ifThere } from "./engine.ts";
import { findService } from "./find-ours.ts";
import { pause } from "./pause.ts";
import { readSecret } from "./secrets.ts";

const askEveryMs = 500;
const askLimitMs = 10_000;
/** So long the service takes no news for the death of whoever holds a server back. */
const holdMs = 10_000;
const renewEveryMs = 3_000;

export interface ProxyLead {
  /**
   * Resolves when nothing is in flight at the server; at once where no service runs in a container, or it does not know how.
   * The server is held back until `end`, or until this process is gone.
   */
  drain(signal: AbortSignal): Promise<void>;
  /** Holds it back no longer; who does not say so to the service is believed to be gone, a little later. */
  end(): void;
}

/** @param id of the model server's container */
export function leadProxy(engine: Engine, stackName: string, home: string, id: string): ProxyLead {
  let renewing: NodeJS.Timeout | undefined;
  return {
    async drain(signal) {
      let way: Way | undefined;
      const renew = () => way && ask(way, { holdMs }, AbortSignal.timeout(askLimitMs)).catch(() => undefined);
      renewing = setInterval(() => void renew(), renewEveryMs);
      renewing.unref();
      for (;;) {
        way = await findWay(engine, stackName, home, id, signal);
        if (!way || !(await ask(way, { holdMs }, signal))) return;
        await pause(askEveryMs, signal);
      }
    },
    end: () => clearInterval(renewing),
  };
}

/** To the service, about one model server. */
interface Way {
  readonly url: string;
  readonly token: string;
  /** Of the server, as the service reaches it. */
  readonly address: string;
}

/** @param id of the model server's container */
async function findWay(
  engine: Engine,
  stackName: string,
  home: string,
  id: string,
  signal: AbortSignal,
): Promise<Way | undefined> {
  const proxy = await findService(engine, { name: stackName }, { name: "local-llm-proxy" }, signal);
  const port = proxy?.State.Running ? publishedPort(proxy) : undefined;
  const server = await ifThere(engine.docker.getContainer(id).inspect(), signal);
  const ip = server?.NetworkSettings.Networks[stackName]?.IPAddress;
  const inside = Object.keys(server?.Config.ExposedPorts ?? {})[0]?.split("/")[0];
  const token = await readSecret(home, "proxy-token");
  if (port === undefined || !ip || !inside || !token) return undefined;
  return { url: `http://127.0.0.1:${port}${drainPath}`, token, address: `http://${ip}:${inside}` };
}

/** @returns what is in flight; undefined where the service does not say, such as one of an earlier version */
async function ask({ url, token, address }: Way, wish: object, signal: AbortSignal): Promise<number | undefined> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ address, ...wish }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(askLimitMs)]),
    redirect: "error",
  }).catch(() => undefined);
  const said: unknown = await answer?.json().catch(() => undefined);
  signal.throwIfAborted();
  return drainedSchema.safeParse(said).data?.inFlight;
}

/** One that is there anew, maybe at the address of another that was drained. @param name of the model server */
export async function admitAgain(
  engine: Engine,
  { stackName, home, name }: { readonly stackName: string; readonly home: string; readonly name: string },
  signal: AbortSignal,
): Promise<void> {
  const found = await findService(engine, { name: stackName }, { name }, signal);
  const way = found && (await findWay(engine, stackName, home, found.Id, signal));
  if (way) await ask(way, { isOver: true }, signal);
}
