// Ollama's API: https://github.com/ollama/ollama/blob/main/docs/api.md
import * as z from "zod/mini";
import type { App } from "../core/app.ts";
import type { InstalledModel } from "../core/backend.ts";
import {
  checkedFormat,
  conversationAsk,
  modelNamed,
  refuseImages,
  refuseTools,
  virtualModels,
  type Wishes,
} from "./ask-of.ts";
import { type AnswerForm, type Dialect, type Ending, type Endpoint, json } from "./exchange.ts";
import { ProxyError } from "./proxy-error.ts";
import { parseBody, text } from "./read-body.ts";

export const ollamaDialect: Dialect = { name: "ollama", errorBody: (error) => ({ error: error.message }) };

/** The version clients are told: those that ask want to know which of Ollama's features are there. */
const spokenVersion = "0.13.3";

const number = z.optional(z.nullable(z.number()));
const optionsSchema = z.object({
  temperature: z.optional(z.nullable(z.number().check(z.gte(0), z.lte(2)))),
  top_p: z.optional(z.nullable(z.number().check(z.gt(0), z.lte(1)))),
  repeat_penalty: number,
  num_predict: z.optional(z.nullable(z.int())),
  stop: z.optional(z.nullable(z.union([text, z.array(text)]))),
});
const shared = {
  model: z.string(),
  stream: z.optional(z.nullable(z.boolean())),
  options: z.optional(z.nullable(optionsSchema)),
  format: z.optional(z.nullable(z.union([z.literal(""), z.literal("json"), z.looseObject({})]))),
  keep_alive: z.optional(z.nullable(z.union([z.string(), z.number()]))),
};
const many = z.optional(z.nullable(z.array(z.unknown())));
const generateSchema = z.object({
  ...shared,
  model: z.optional(z.string()),
  prompt: z.optional(z.nullable(text)),
  system: z.optional(z.nullable(text)),
  suffix: z.optional(z.nullable(z.string())),
  template: z.optional(z.nullable(z.string())),
  raw: z.optional(z.nullable(z.boolean())),
  images: many,
});
const chatSchema = z.object({
  ...shared,
  messages: z.optional(
    z.nullable(
      z
        .array(
          z.object({
            role: z.enum(["system", "user", "assistant"], "system, user or assistant"),
            content: z._default(text, ""),
            images: many,
            tool_calls: many,
          }),
        )
        .check(z.maxLength(10_000)),
    ),
  ),
  tools: many,
});
const namedSchema = z.object({ model: z.optional(z.string()), name: z.optional(z.string()) });

type Shared = Pick<z.infer<typeof generateSchema>, "model" | "stream" | "options" | "format" | "keep_alive">;

export function ollamaEndpoints(app: App): Readonly<Record<string, Endpoint>> {
  const sinceStart = new Date().toISOString();
  const isHere = (model: InstalledModel) => model.place !== "cloud";
  return {
    "GET /api/version": async () => json({ version: spokenVersion }),
    "GET /api/tags": async (_, signal) => {
      const models = (await app.models(signal)).filter(isHere);
      const virtual = virtualModels.map((name) => ({ name, sizeBytes: 0 }));
      return json({ models: [...virtual, ...models].map((model) => tagOf(model, sinceStart)) });
    },
    "GET /api/ps": async (_, signal) => json({ models: (await app.loaded(signal)).map(loadedOf) }),
    "POST /api/show": async (body, signal) => {
      const { model, name } = parseBody(namedSchema, body);
      const wanted = (model ?? name ?? "").replace(/:latest$/, "");
      const models = [...virtualModels.map((each) => ({ name: each, sizeBytes: 0 })), ...(await app.models(signal))];
      const found = models.find((each) => each.name.replace(/:latest$/, "") === wanted);
      if (!found) throw new ProxyError(404, `model '${wanted}' not found`, { code: "model_not_found" });
      return json(showOf(found, sinceStart));
    },
    "POST /api/chat": async (body, signal) => {
      const request = parseBody(chatSchema, body);
      refuseTools(request.tools);
      const messages = request.messages ?? [];
      for (const message of messages) {
        if (message.images?.length) refuseImages();
        refuseTools(message.tool_calls);
      }
      if (messages.length === 0) return json(await loadOnly(app, request, chatLine, signal));
      const said = messages.map(({ role, content }) => ({ role, text: content }));
      return answerOf(conversationAsk(said, wishesOf(request)), request, chatLine);
    },
    "POST /api/generate": async (body, signal) => {
      const request = parseBody(generateSchema, body);
      if (request.images?.length) refuseImages();
      if (request.raw || request.suffix || request.template) {
        throw new ProxyError(400, "raw, suffix and template are not supported by this service; send a prompt");
      }
      if (!request.prompt) return json(await loadOnly(app, request, generateLine, signal));
      const system = request.system ? [{ role: "system" as const, text: request.system }] : [];
      const ask = conversationAsk([...system, { role: "user", text: request.prompt }], wishesOf(request));
      return answerOf(ask, request, generateLine);
    },
    "POST /api/embed": embeddings,
    "POST /api/embeddings": embeddings,
  };
}

const embeddings: Endpoint = async () => {
  throw new ProxyError(501, "embeddings are not part of this service; ask the model server for them");
};

function wishesOf({ model, options, format }: Shared): Wishes {
  return {
    model,
    temperature: options?.temperature,
    topP: options?.top_p,
    repeatPenalty: options?.repeat_penalty,
    maxTokens: options?.num_predict,
    // Any JSON at all is an object of whatever shape.
    format: format === "json" ? { type: "object" } : format ? checkedFormat(format) : undefined,
  };
}

function answerOf(ask: ReturnType<typeof conversationAsk>, request: Shared, line: Line) {
  return {
    kind: "answer" as const,
    ask,
    streams: request.stream !== false,
    stops: [request.options?.stop ?? []].flat(),
    form: ollamaForm(request.model, line),
  };
}

/** An empty prompt loads the model, or unloads it where it is to be kept for no time. */
async function loadOnly(app: App, { model, keep_alive }: Shared, line: Line, signal: AbortSignal): Promise<object> {
  const named = modelNamed(model).model;
  const unloads = keep_alive === 0 || keep_alive === "0" || keep_alive === "0s";
  if (named) await (unloads ? app.unload(named, signal) : app.load(named, signal));
  return {
    ...stamp(model ?? ""),
    ...line({ kind: "text", text: "" }),
    done: true,
    done_reason: unloads ? "unload" : "load",
  };
}

/** The part of a line that holds text: it differs between chat and generate. */
type Line = (piece: { readonly kind: "text" | "thinking"; readonly text: string }) => object;

const chatLine: Line = ({ kind, text: said }) => ({
  message: kind === "text" ? { role: "assistant", content: said } : { role: "assistant", content: "", thinking: said },
});
export const generateLine: Line = ({ kind, text: said }) =>
  kind === "text" ? { response: said } : { response: "", thinking: said };

const stamp = (model: string) => ({ model, created_at: new Date().toISOString() });

/** @param asked the model as the client named it; virtual ones are told by what answered */
export function ollamaForm(asked: string | undefined, line: Line): AnswerForm {
  let model = asked ?? "";
  const isVirtual = modelNamed(asked).model === undefined;
  const write = (value: object) => `${JSON.stringify(value)}\n`;
  return {
    streamType: "application/x-ndjson",
    beat: "",
    open(route) {
      if (route && isVirtual) model = route.model;
      return "";
    },
    piece: (piece) => write({ ...stamp(model), ...line(piece), done: false }),
    close: (ending) => write({ ...stamp(model), ...line({ kind: "text", text: "" }), ...figuresOf(ending) }),
    failure: (error) => write({ error: error.message }),
    whole({ text: said, thinking, ending, route }) {
      const answered = isVirtual ? (route?.model ?? model) : model;
      const head = { ...stamp(answered), ...line({ kind: "text", text: said }), ...figuresOf(ending) };
      if (thinking === "") return head;
      return "message" in head
        ? { ...head, message: { role: "assistant", content: said, thinking } }
        : { ...head, thinking };
    },
  };
}

/** Ollama's durations are nanoseconds. */
function figuresOf(ending: Ending): object {
  const nanoseconds = (ms: number) => Math.round(ms * 1e6);
  return {
    done: true,
    done_reason: ending.finish === "length" ? "length" : "stop",
    total_duration: nanoseconds(ending.totalMs),
    load_duration: nanoseconds(ending.loadMs),
    prompt_eval_count: ending.promptTokens,
    prompt_eval_duration: nanoseconds(ending.prefillMs),
    eval_count: ending.answerTokens,
    eval_duration: nanoseconds(ending.decodeMs),
  };
}

type Described = Pick<InstalledModel, "name" | "sizeBytes"> & Partial<InstalledModel>;

function detailsOf(model: Described): object {
  return {
    parent_model: "",
    format: "gguf",
    family: familyOf(model),
    families: [familyOf(model)],
    parameter_size: model.parameterSize ?? "",
    quantization_level: model.quantization ?? "",
    ...(model.contextTokens === undefined ? {} : { context_length: model.contextTokens }),
  };
}

const familyOf = ({ name }: Described) => /^[\w.-]*/.exec(name)?.[0] || "unknown";

/** What can be done with it through here, which is less than the model itself may be able to. */
const capabilities = ["completion"];

function tagOf(model: Described, since: string): object {
  return {
    name: model.name,
    model: model.name,
    modified_at: since,
    size: model.sizeBytes,
    digest: model.digest ?? "",
    details: detailsOf(model),
    capabilities,
  };
}

function loadedOf(model: Awaited<ReturnType<App["loaded"]>>[number]): object {
  return {
    name: model.name,
    model: model.name,
    size: model.sizeBytes,
    size_vram: model.vramBytes,
    digest: "",
    details: detailsOf(model),
    expires_at: new Date(model.expiresAtMs ?? Date.UTC(2318, 0, 1)).toISOString(),
    ...(model.contextTokens === undefined ? {} : { context_length: model.contextTokens }),
  };
}

function showOf(model: Described, since: string): object {
  return {
    modelfile: "",
    parameters: "",
    template: "",
    details: detailsOf(model),
    capabilities,
    modified_at: since,
    model_info: {
      "general.architecture": familyOf(model),
      ...(model.contextTokens === undefined ? {} : { [`${familyOf(model)}.context_length`]: model.contextTokens }),
    },
  };
}
