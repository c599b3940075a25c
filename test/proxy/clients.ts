// The clients people use, pointed at a running service.
import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { type Running, token } from "./harness.ts";

export const question = [{ role: "user" as const, content: "hi there" }];
export const ollamaFor = ({ url }: Running) => new Ollama({ host: url, headers: { authorization: `Bearer ${token}` } });
export const openaiFor = ({ url }: Running) => new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
export const anthropicFor = ({ url }: Running) => new Anthropic({ baseURL: url, apiKey: token, maxRetries: 0 });

/** What a client's promise was rejected with. */
export const failure = (work: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    () => undefined,
    (error: unknown) => error,
  );
