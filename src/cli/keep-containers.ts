// While the service runs it looks after the containers, where there are any: heals them, and has as many as are needed.
import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "../core/app.ts";
import { type Message, msg } from "../core/message.ts";
import { incidentName, repairName } from "../core/names.ts";

/** So often containers are looked for where there are none yet, ms: they may be started after the service. */
const usualLookMs = 30_000;

/** Ends when aborted; never throws. @param tell says what was done */
export async function keepContainers(
  app: Pick<App, "services">,
  signal: AbortSignal,
  tell: (text: Message) => void,
  lookEveryMs = usualLookMs,
): Promise<void> {
  while (!(await areThere(app, signal))) {
    await sleep(lookEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
  }
  const heal = async () => {
    for await (const event of app.services.watch(signal)) {
      if (event.kind !== "incident") continue;
      const { service, what, done } = event.incident;
      tell(msg("{0}: {1}; {2}", service, incidentName(what), repairName(done)));
    }
  };
  const scale = async () => {
    for await (const event of app.services.scale(signal)) {
      if (event.kind === "added") tell(event.text);
      if (event.kind === "held") tell(msg("{0}: {1}", event.service, event.why));
      if (event.kind === "removed") tell(msg("{0}: removed, as it is not wanted any more", event.service));
    }
  };
  await Promise.allSettled([heal(), scale()]);
}

async function areThere({ services }: Pick<App, "services">, signal: AbortSignal): Promise<boolean> {
  const status = await services.status(signal).catch(() => undefined);
  return status?.kind === "engine" && status.services.some(({ state }) => state !== "missing");
}
