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

export interface ProxyLead {
  /** Resolves when nothing is in flight at the server; at once where no service runs in a container, or it does not know how. */
  drain(signal: AbortSignal): Promise<void>;
  /** The server may be asked again. */
  admit(signal: AbortSignal): Promise<void>;
}

/** @param id of the model server's container */
export function leadProxy(engine: Engine, stackName: string, home: string, id: string): ProxyLead {
  const tell = async (isOver: boolean, signal: AbortSignal): Promise<number | undefined> => {
    const proxy = await findService(engine, { name: stackName }, { name: "local-llm-proxy" }, signal);
    const port = proxy?.State.Running ? publishedPort(proxy) : undefined;
    const server = await ifThere(engine.docker.getContainer(id).inspect(), signal);
    const ip = server?.NetworkSettings.Networks[stackName]?.IPAddress;
    const inside = Object.keys(server?.Config.ExposedPorts ?? {})[0]?.split("/")[0];
    const token = await readSecret(home, "proxy-token");
    if (port === undefined || !ip || !inside || !token) return undefined;
    return ask(`http://127.0.0.1:${port}${drainPath}`, token, { address: `http://${ip}:${inside}`, isOver }, signal);
  };
  return {
    async drain(signal) {
      while (await tell(false, signal)) await pause(askEveryMs, signal);
    },
    async admit(signal) {
      await tell(true, signal);
    },
  };
}

/** @returns what is in flight; undefined where the service does not say, such as one of an earlier version */
async function ask(url: string, token: string, wish: object, signal: AbortSignal): Promise<number | undefined> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(wish),
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
  if (found) await leadProxy(engine, stackName, home, found.Id).admit(signal);
}
