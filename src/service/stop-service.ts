// Asks the service to stop. It lets what is begun finish.
import { type Publication, urlOf } from "./publication.ts";

/** What the service answers besides the dialects; only who knows the token is heard. */
export const controlPaths = { all: "/service", stop: "/service/stop", watch: "/service/watch" };

/**
 * @param publication one that has proved that it knows the token
 * @returns whether it has let go of its address
 */
export async function stopService(publication: Publication, token: string): Promise<boolean> {
  try {
    const answer = await fetch(`${urlOf(publication)}${controlPaths.stop}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: "{}",
      signal: AbortSignal.timeout(10_000),
      redirect: "error",
    });
    return answer.ok;
  } catch {
    return false;
  }
}
