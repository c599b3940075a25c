// How who takes a model server away tells the service in its container, which has a queue of its own.
import * as z from "zod/mini";

/** Of the service; only who knows the token is heard there. */
export const drainPath = "/service/drain";

/**
 * @property address of the model server, as the service reaches it
 * @property isOver it may be asked again
 * @property holdMs after so long it may be asked again as well, unless this is told anew; absent: only when it is over
 */
export const drainSchema = z.object({
  address: z.url(),
  isOver: z.optional(z.boolean()),
  holdMs: z.optional(z.int().check(z.positive())),
});

/** Answers that are being made there. */
export const drainedSchema = z.object({ inFlight: z.int() });
