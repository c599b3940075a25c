// A server that is given a prompt larger than its window may drop the beginning of it without a word. `truncate: false`
// forbids that, but older servers and things that only look like Ollama do not know it. So a long prompt is not sent
// before it is known that the window is as large as was asked for.
import type { ModelRequest } from "../core/backend.ts";
import { fewestTokens } from "../core/context.ts";
import { type Message, msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";

/** What the check needs of a server; each call is one request. */
export interface WindowProbe {
  /** Loads the model with the window that is wanted. */
  load(): Promise<void>;
  /** Window that the loaded model really has, tokens; undefined where the server does not tell. */
  contextTokens(): Promise<number | undefined>;
  /** Tokens that the server says it read of a prompt with this text alone. */
  readTokens(text: string): Promise<number | undefined>;
  /** All that the prompt says. */
  readonly text: string;
}

/** No server has a window smaller than this. */
const alwaysFits = 2048;
/** Where a text is parted, a token may become two; and no two beginnings count quite the same. */
const seamTokens = 16;

export interface WholePromptCheck {
  /** Whether nothing has to be asked. */
  isSure(prompt: SizedPrompt): boolean;
  /**
   * @throws TaskError `context-overflow` where the server would read a part of the prompt only
   */
  ensure(prompt: SizedPrompt, server: string, probe: WindowProbe): Promise<void>;
}

/** Of a model, in a window, with so many tokens as estimated; absent: what is known to fit. */
type SizedPrompt = Pick<ModelRequest, "model" | "contextTokens" | "promptTokens">;

/** Asks once for each model and window; what is known is not asked again. */
export function createWholePromptCheck(): WholePromptCheck {
  const known = new Map<string, number>();
  const keyOf = ({ model, contextTokens }: SizedPrompt) => `${model} ${contextTokens}`;
  const isSure = (prompt: SizedPrompt) => {
    const { promptTokens = 0 } = prompt;
    return promptTokens <= alwaysFits || promptTokens <= (known.get(keyOf(prompt)) ?? 0);
  };
  return {
    isSure,
    async ensure(prompt, server, probe) {
      if (isSure(prompt)) return;
      const { promptTokens = 0 } = prompt;
      const key = keyOf(prompt);
      await probe.load();
      const context = await probe.contextTokens();
      if (context !== undefined) {
        if (context < promptTokens) throw wouldCut(server, promptTokens, context);
        known.set(key, context);
        return;
      }
      const { isWhole, read } = await readsWhole(probe);
      if (!isWhole) throw wouldCut(server, promptTokens, read);
      known.set(key, promptTokens);
    },
  };
}

/**
 * A server that does not tell its window is tried: read whole, a text counts as much as its two halves together.
 * Each time with another beginning, so that nothing of it was read before and is left out of the count.
 */
async function readsWhole({ text, readTokens }: WindowProbe): Promise<{ isWhole: boolean; read: number }> {
  const middle = text.length >> 1;
  const count = async (part: string) => (await readTokens(`${crypto.randomUUID()}\n${part}`)) ?? 0;
  const nothing = await count("");
  const read = await count(text);
  const halves = (await count(text.slice(0, middle))) + (await count(text.slice(middle)));
  return { isWhole: read > 0 && read >= halves - nothing - seamTokens, read };
}

function wouldCut(server: string, promptTokens: number, contextTokens: number): TaskError {
  const text = msg(
    "{0} would read about {2} of {1} tokens and answer from a part. Nothing was asked. Select less text, or let the server use a larger context (OLLAMA_CONTEXT_LENGTH).",
    server,
    promptTokens,
    contextTokens,
  );
  return overflow(text, promptTokens, contextTokens);
}

const overflow = (text: Message, promptTokens: number, contextTokens: number) =>
  new TaskError("context-overflow", text, { details: { promptTokens, contextTokens } });

/** Shorter texts fit everywhere. */
const leastToCut = 200;

export interface ReadCheck {
  /**
   * Of a server that tells nothing of its window beforehand: whether it can have read all of it, by what it counted.
   * @param read tokens that it says it read; 0: it does not tell
   * @param isWhole whether it has surely counted all of the prompt, not what was new of it alone
   * @throws TaskError `context-overflow`
   */
  ensure(texts: readonly string[], read: number, server: string, isWhole: boolean): void;
}

export function createReadCheck(): ReadCheck {
  /** It has been seen to count what it had read before as well. */
  let countsAll = false;
  return {
    ensure(texts, read, server, isWhole) {
      const fewest = texts.reduce((sum, text) => sum + fewestTokens(text), 0);
      if (read === 0 || fewest < leastToCut) return;
      countsAll ||= !isWhole && read >= fewest;
      if (read < fewest && (isWhole || countsAll)) throw wasCut(server, read, fewest);
    },
  };
}

function wasCut(server: string, contextTokens: number, promptTokens: number): TaskError {
  const text = msg(
    "{0} has read {1} tokens of at least {2}: it left out a part without a word. Do not rely on this answer. Select less text, or give the model a larger context there.",
    server,
    contextTokens,
    promptTokens,
  );
  return overflow(text, promptTokens, contextTokens);
}
