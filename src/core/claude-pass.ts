// Requests in Anthropic's own words that go to Claude as they are.

export interface PassRequest {
  /** With its query: `/v1/messages?beta=true`. */
  readonly path: string;
  /** Of the program that asks, as far as they are for Anthropic. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The same, parsed. */
  readonly json: unknown;
  /** The secret of this service, which is in none of it that is sent. */
  readonly token: string;
}

export type PassEvent =
  /** Once, first of all. */
  | {
      readonly kind: "head";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** Host that it went to. */
      readonly destination: string;
    }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

/**
 * Sends it where the person allows that, and tells what came back, byte for byte. Leaving the loop ends the request.
 * @throws TaskError `bad-input`, `local-only`, `cloud-limit`, `cloud-refused` where nobody has a key; `server-unreachable` where
 *   nothing was sent, `server-lost`; AbortError
 */
export type ClaudePass = (request: PassRequest, signal: AbortSignal) => AsyncIterable<PassEvent>;
