// Model servers are asked for their models, and none of them holds up the others.
import { withoutCredentials } from "../core/addresses.ts";
import type { Backend, InstalledModel } from "../core/backend.ts";
import { canChat } from "../core/can-chat.ts";
import { reasonOf } from "../core/reason-of.ts";
import { isAbort } from "../core/task-error.ts";
import type { Tried } from "./find-nodes.ts";

export interface AskedServer {
  readonly backend: Backend;
  readonly models: readonly InstalledModel[];
}

/** A server that takes longer to list its models is left out this time: it has frozen, or its disk has. */
export const usualListMs = 10_000;
/** Of several: one that is away must not hold up the others. */
const besideOthersMs = 2_000;
/** Where no other can answer: it may only be busy. */
const aloneMs = 5_000;

/**
 * All at once, none for long.
 * @param tried gets what came of those that do not answer
 * @param hasOther whether one that can answer is known already
 */
export async function askServers(
  backends: readonly { readonly backend: Backend; readonly address: string }[],
  tried: Tried[],
  hasOther: boolean,
): Promise<readonly AskedServer[]> {
  const enough = new AbortController();
  let hasAnswer = hasOther;
  let isLate = false;
  const endIfEnough = () => {
    if (isLate && hasAnswer) enough.abort();
  };
  const timer = setTimeout(() => {
    isLate = true;
    endIfEnough();
  }, besideOthersMs);
  const found = await Promise.all(
    backends.map(async ({ backend, address }) => {
      const server = await askInTime(backend, address, tried, aloneMs, enough.signal);
      hasAnswer ||= server !== undefined && hasChatModel(server);
      endIfEnough();
      return server;
    }),
  );
  clearTimeout(timer);
  return found.filter((server) => server !== undefined);
}

/** One that is asked for ever would keep everybody from all others. */
export async function askInTime(
  backend: Backend,
  address: string,
  tried: Tried[],
  limitMs: number,
  enough?: AbortSignal,
): Promise<AskedServer | undefined> {
  try {
    const timeout = AbortSignal.timeout(limitMs);
    return await askModels(backend, tried, enough ? AbortSignal.any([timeout, enough]) : timeout);
  } catch {
    tried.push({ address: withoutCredentials(address), outcome: "no answer in time" });
    return undefined;
  }
}

/** A server that fails is left out, and why goes on the list. */
export async function askModels(
  backend: Backend,
  tried: Tried[],
  signal: AbortSignal,
): Promise<AskedServer | undefined> {
  try {
    const all = await backend.models(signal);
    const models = all.filter(hasPlainName);
    if (models.length < all.length) {
      tried.push({ address: backend.name, outcome: `${all.length - models.length} left out: their names are no text` });
    }
    return { backend, models };
  } catch (error) {
    if (isAbort(error)) throw error;
    const why = withoutCredentials(reasonOf(error));
    tried.push({ address: backend.name, outcome: why });
    return undefined;
  }
}

export const hasChatModel = ({ models }: Pick<AskedServer, "models">): boolean => models.some(canChat);

/** A name with control characters would drive a terminal, break a list into lines, or be no header. */
export const hasPlainName = ({ name }: { readonly name: string }): boolean => !/\p{Cc}/u.test(name);
