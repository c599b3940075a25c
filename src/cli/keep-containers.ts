// While the service runs it looks after the containers, where there are any: heals them, and has as many as are needed.
import type { App } from "../core/app.ts";
import { type Message, msg } from "../core/message.ts";
import { incidentName, repairName } from "../core/names.ts";

/** Ends when aborted; never throws. @param tell says what was done */
export async function keepContainers(app: App, signal: AbortSignal, tell: (text: Message) => void): Promise<void> {
  const status = await app.services.status(signal).catch(() => undefined);
  if (status?.kind !== "engine" || status.services.every(({ state }) => state === "missing")) return;
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
