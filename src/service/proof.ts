// How a program finds out whether what answers at an address is this person's service, without showing it the token.
import { createHmac } from "node:crypto";

export const challengeHeader = "x-switchyard-challenge";

/** What only who knows the token can answer to a challenge. */
export function proofOf(token: string, challenge: string): string {
  return createHmac("sha256", token).update(challenge).digest("hex");
}
