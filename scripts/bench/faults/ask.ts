// Asks the service in one of its dialects, and reads whether it says that the answer is whole, or that it is not.

const paths = ["/api/chat", "/v1/chat/completions", "/v1/messages"] as const;

export interface Question {
  /** Which dialect: they take turns. */
  readonly turn: number;
  readonly model: string;
  readonly content: string;
  readonly isStream: boolean;
}

export interface Reply {
  /** Something of the answer came. */
  readonly hasBegun: boolean;
  readonly looksWhole: boolean;
  /** It ends in an error of its dialect. */
  readonly isTyped: boolean;
  readonly text: string;
  readonly ms: number;
}

/** Never throws: a connection that broke is no answer, and no error that says what it is. */
export async function ask(url: string, { turn, model, content, isStream }: Question): Promise<Reply> {
  const startMs = performance.now();
  const path = paths[turn % paths.length] ?? paths[0];
  const body = { model, messages: [{ role: "user", content }], max_tokens: 4096, stream: isStream };
  const headers = { "content-type": "application/json", authorization: "Bearer bench" };
  try {
    const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    const text = await response.text();
    const isWhole = isStream ? /"done":true|\[DONE\]|message_stop/.test(text) : response.status === 200;
    return {
      hasBegun: response.status === 200 && /"w\d+ |"(?:content|text)":"word/.test(text),
      looksWhole: isWhole,
      isTyped: /"error"/.test(text) && (isStream || response.status >= 500),
      text,
      ms: performance.now() - startMs,
    };
  } catch (error) {
    const ms = performance.now() - startMs;
    return { hasBegun: false, looksWhole: false, isTyped: false, text: String(error), ms };
  }
}
