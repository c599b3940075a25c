// One loaded model and its context: turns a prompt into tokens.
import {
  type ChatWrapper,
  type Llama,
  type LlamaContext,
  type LlamaContextSequence,
  type LlamaGrammar,
  LlamaGrammarEvaluationState,
  type LlamaModel,
  LlamaText,
  resolveChatWrapper,
  type SequenceEvaluateOptions,
  type Token,
} from "node-llama-cpp";
import { reasonOf } from "../../core/reason-of.ts";
import type { CallSyntax } from "../../core/tool-text.ts";
import { availableFunctions, callSyntax, chatHistory } from "./chat-history.ts";
import { EngineError } from "./engine-error.ts";
import type { EngineMessage, EngineOptions, EngineTool, Format } from "./requests.ts";
import { createJsonEnd, createStopWatch } from "./text-stream.ts";
import type { ThreadPace } from "./thread-pace.ts";

export type Prompt =
  | { readonly kind: "chat"; readonly messages: readonly EngineMessage[]; readonly tools?: readonly EngineTool[] }
  | { readonly kind: "raw"; readonly text: string };

export interface Generation {
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  readonly finish: "stop" | "length";
}

export interface Embedded {
  readonly vectors: readonly (readonly number[])[];
  readonly promptTokens: number;
}

export interface Runner {
  readonly contextTokens: number;
  /** Weights and context, bytes. */
  readonly sizeBytes: number;
  /** Pieces of text as they are made; returns the figures. Ends quietly when aborted. */
  generate(
    prompt: Prompt,
    options: EngineOptions,
    format: Format,
    signal: AbortSignal,
  ): AsyncGenerator<string, Generation, void>;
  /** How this model writes calls of tools. */
  readonly callSyntax: CallSyntax;
  /** @param truncate whether what is longer than `contextTokens` is cut; otherwise it is refused */
  embed(texts: readonly string[], truncate: boolean, contextTokens?: number): Promise<Embedded>;
  dispose(): Promise<void>;
}

/** Unless asked otherwise, longer texts are cut before they are embedded, as Ollama does. */
const maxEmbedTokens = 2048;
/** Tokens read between two looks at whether the client is still there. */
const prefillStep = 256;
/** A character has at most four bytes, so at most four byte tokens. */
const maxHeldTokens = 4;

export async function loadRunner(
  llama: Llama,
  pace: ThreadPace,
  { path, contextTokens }: { readonly path: string; readonly contextTokens: number },
  onProgress: (share: number) => void,
): Promise<Runner> {
  const model = await llama.loadModel({ modelPath: path, onLoadProgress: onProgress });
  try {
    const contextSize = Math.min(contextTokens, model.trainContextSize);
    const before = process.memoryUsage.rss();
    const context = await model.createContext({ contextSize, sequences: 1, failedCreationRemedy: false });
    // The library tells of a context what is in it so far, which is nothing yet; its keys and values take their memory at once.
    const contextBytes = Math.max(0, process.memoryUsage.rss() - before);
    return new LlamaRunner(llama, pace, model, context, contextBytes);
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

class LlamaRunner implements Runner {
  readonly contextTokens: number;
  readonly sizeBytes: number;
  readonly #llama: Llama;
  readonly #pace: ThreadPace;
  readonly #model: LlamaModel;
  readonly #context: LlamaContext;
  readonly #sequence: LlamaContextSequence;
  readonly #wrapper: ChatWrapper;

  constructor(llama: Llama, pace: ThreadPace, model: LlamaModel, context: LlamaContext, contextBytes: number) {
    this.#llama = llama;
    this.#pace = pace;
    this.#model = model;
    this.#context = context;
    this.#sequence = context.getSequence();
    this.#wrapper = resolveChatWrapper(model);
    this.contextTokens = context.contextSize;
    this.sizeBytes = model.size + contextBytes;
  }

  async *generate(
    prompt: Prompt,
    options: EngineOptions,
    format: Format,
    signal: AbortSignal,
  ): AsyncGenerator<string, Generation, void> {
    const { tokens, stops } = this.#tokenize(prompt);
    // Calls of tools are written between special tokens.
    const showsMarks = prompt.kind === "chat" && prompt.tools !== undefined;
    this.#refuseTooLong(tokens.length);
    const evaluation = { ...this.#sampling(options), ...(await this.#grammar(format)) };
    const startMs = performance.now();
    const last = await this.#prefill(tokens, signal);
    const limit = this.#answerLimit(tokens.length, options);
    const stopWatch = createStopWatch([...stops, ...[options.stop ?? []].flat()]);
    const jsonEnd = format ? createJsonEnd() : undefined;

    let decodeStartMs = 0;
    let askedAtMs = 0;
    let count = 0;
    let ended = false;
    let held: Token[] = [];
    let before: Token[] = tokens.slice(-8);
    if (!signal.aborted && limit > 0) {
      for await (const token of this.#sequence.evaluate(last, evaluation)) {
        const nowMs = performance.now();
        if (count === 0) decodeStartMs = nowMs;
        else this.#pace.saw(nowMs - askedAtMs);
        count++;
        held.push(token);
        const piece = this.#model.detokenize(held, showsMarks, before);
        if (!piece.endsWith("\uFFFD") || held.length >= maxHeldTokens) {
          before = held;
          held = [];
          const shown = stopWatch.push(piece);
          ended = shown.ended || (jsonEnd?.push(piece) ?? false);
          if (shown.text !== "") yield shown.text;
        }
        if (ended || signal.aborted || count >= limit) break;
        // A reader that is slow to take a piece says nothing about the processor.
        askedAtMs = performance.now();
      }
    }
    const rest = ended
      ? ""
      : stopWatch.rest() + (held.length > 0 ? this.#model.detokenize(held, showsMarks, before) : "");
    if (rest !== "") yield rest;
    const endMs = performance.now();
    const firstMs = count > 0 ? decodeStartMs : endMs;
    return {
      promptTokens: tokens.length,
      answerTokens: count,
      prefillMs: firstMs - startMs,
      decodeMs: endMs - firstMs,
      finish: !ended && count >= limit ? "length" : "stop",
    };
  }

  get callSyntax(): CallSyntax {
    return callSyntax(this.#wrapper.settings, (piece) =>
      LlamaText(piece)
        .values.map((value) => (typeof value === "string" ? value : value.value))
        .join(""),
    );
  }

  async embed(texts: readonly string[], truncate: boolean, contextTokens = maxEmbedTokens): Promise<Embedded> {
    const contextSize = Math.min(contextTokens, this.#model.trainContextSize);
    // The library puts marks around the text.
    const room = contextSize - 2;
    const all = texts.map((text) => this.#model.tokenize(text));
    const longest = Math.max(0, ...all.map((tokens) => tokens.length));
    if (longest > room && !truncate) {
      const numbers = { n_prompt_tokens: longest, n_ctx: room };
      throw new EngineError(400, `the input has ${longest} tokens, ${room} can be embedded`, numbers);
    }
    const context = await this.#model.createEmbeddingContext({ contextSize });
    try {
      const vectors: (readonly number[])[] = [];
      for (const tokens of all) vectors.push((await context.getEmbeddingFor(tokens.slice(0, room))).vector);
      return { vectors, promptTokens: all.reduce((sum, tokens) => sum + Math.min(tokens.length, room), 0) };
    } finally {
      await context.dispose();
    }
  }

  async dispose(): Promise<void> {
    await this.#context.dispose();
    await this.#model.dispose();
  }

  #tokenize(prompt: Prompt): { tokens: Token[]; stops: readonly string[] } {
    if (prompt.kind === "raw") return { tokens: this.#model.tokenize(prompt.text, true), stops: [] };
    const { contextText, stopGenerationTriggers } = this.#wrapper.generateContextState({
      chatHistory: chatHistory(prompt.messages),
      ...(prompt.tools ? { availableFunctions: availableFunctions(prompt.tools), documentFunctionParams: true } : {}),
    });
    // Special tokens end an answer by themselves; what remains are markers some models write out as text.
    const stops = stopGenerationTriggers.flatMap((trigger) => LlamaText(trigger).values).filter(isText);
    return { tokens: contextText.tokenize(this.#model.tokenizer), stops };
  }

  /** This engine never answers from a cut prompt, so `truncate` has nothing to decide. */
  #refuseTooLong(promptTokens: number): void {
    if (promptTokens < this.contextTokens) return;
    throw new EngineError(400, `the prompt has ${promptTokens} tokens, the context holds ${this.contextTokens}`, {
      type: "exceed_context_size_error",
      n_prompt_tokens: promptTokens,
      n_ctx: this.contextTokens,
    });
  }

  /** Tokens; where it is not asked for less, all that the context has room for. */
  #answerLimit(promptTokens: number, { num_predict: asked = -1 }: EngineOptions): number {
    const room = this.contextTokens - promptTokens;
    return asked < 0 ? room : Math.min(asked, room);
  }

  /** Reads all but the last token, from where the last prompt was the same; returns what is left to read. */
  async #prefill(tokens: Token[], signal: AbortSignal): Promise<Token[]> {
    await this.#sequence.adaptStateToTokens(tokens.slice(0, -1), false);
    let at = this.#sequence.nextTokenIndex;
    while (tokens.length - at > prefillStep && !signal.aborted) {
      await this.#sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + prefillStep));
      at += prefillStep;
    }
    return tokens.slice(at);
  }

  #sampling(options: EngineOptions): SequenceEvaluateOptions {
    const lastN = options.repeat_last_n ?? 64;
    const recent = () => this.#sequence.contextTokens.slice(lastN < 0 ? 0 : -lastN);
    const penalty = {
      penalty: options.repeat_penalty ?? 1.1,
      ...(options.frequency_penalty ? { frequencyPenalty: options.frequency_penalty } : {}),
      ...(options.presence_penalty ? { presencePenalty: options.presence_penalty } : {}),
    };
    return {
      temperature: options.temperature ?? 0.8,
      topK: options.top_k ?? 40,
      topP: options.top_p ?? 0.9,
      minP: options.min_p ?? 0,
      // Negative is another one each time, as with none.
      ...(options.seed === undefined || options.seed < 0 ? {} : { seed: options.seed }),
      ...(lastN === 0 ? {} : { repeatPenalty: { punishTokens: recent, ...penalty } }),
    };
  }

  async #schemaGrammar(schema: object): Promise<LlamaGrammar> {
    try {
      // The library reads what it knows of a schema and refuses the rest.
      return await this.#llama.createGrammarForJsonSchema(schema as Parameters<Llama["createGrammarForJsonSchema"]>[0]);
    } catch (error) {
      throw new EngineError(400, `format: ${reasonOf(error)}`);
    }
  }

  async #grammar(format: Format): Promise<SequenceEvaluateOptions> {
    if (!format) return {};
    const grammar = format === "json" ? await this.#llama.getGrammarFor("json") : await this.#schemaGrammar(format);
    return { grammarEvaluationState: new LlamaGrammarEvaluationState({ model: this.#model, grammar }) };
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
