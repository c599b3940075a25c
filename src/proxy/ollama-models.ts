// Models in Ollama's API: what there is, what is loaded, and what each can do.

import * as z from "zod/mini";
import type { App } from "../core/app.ts";
import type { InstalledModel } from "../core/backend.ts";
import { uniqueModels } from "../core/model-places.ts";
import { surelyCan } from "../core/needs.ts";
import { virtualModels } from "./ask-of.ts";
import { type Endpoint, json } from "./exchange.ts";
import { ProxyError } from "./proxy-error.ts";
import { parseBody } from "./read-body.ts";

const namedSchema = z.object({ model: z.optional(z.string()), name: z.optional(z.string()) });

export function ollamaModelEndpoints(app: App): Readonly<Record<string, Endpoint>> {
  const sinceStart = new Date().toISOString();
  const described = async (signal: AbortSignal): Promise<readonly Described[]> => {
    const models = uniqueModels(await app.models(signal)).filter((model) => model.place !== "cloud");
    const { maxContextTokens } = app.settings();
    return [...virtualModels.map((name) => virtualModel(name, models)), ...models.map(within(maxContextTokens))];
  };
  return {
    "GET /api/tags": async (_, signal) =>
      json({ models: (await described(signal)).map((model) => tagOf(model, sinceStart)) }),
    "GET /api/ps": async (_, signal) => json({ models: (await app.loaded(signal)).map(loadedOf) }),
    "POST /api/show": async (body, signal) => {
      const { model, name } = parseBody(namedSchema, body);
      const wanted = (model ?? name ?? "").replace(/:latest$/, "");
      const found = (await described(signal)).find((each) => each.name.replace(/:latest$/, "") === wanted);
      if (!found) throw new ProxyError(404, `model '${wanted}' not found`, { code: "model_not_found" });
      return json(showOf(found, sinceStart));
    },
  };
}

/** Clients fill the window they are told of: what is larger than the person allows would be refused. */
const within =
  (maxTokens: number) =>
  (model: InstalledModel): InstalledModel =>
    model.contextTokens === undefined ? model : { ...model, contextTokens: Math.min(maxTokens, model.contextTokens) };

/** What is routed can do what any model here can. */
export function virtualModel(name: string, models: readonly InstalledModel[]): Described {
  const capabilities = new Set(["completion", ...models.flatMap(capabilitiesOf)]);
  capabilities.delete("embedding");
  return { name, sizeBytes: 0, capabilities: [...capabilities] };
}

/** What can be done with it through here. A server that does not tell has models that answer. */
const passed = ["completion", "tools", "vision", "thinking", "embedding"];

export function capabilitiesOf({
  capabilities = [],
  toolTest,
}: Pick<Described, "capabilities" | "toolTest">): readonly string[] {
  const told = capabilities.length === 0 ? ["completion"] : capabilities;
  const isToCall = surelyCan({ capabilities, ...(toolTest ? { toolTest } : {}) }, "tools");
  return passed.filter((each) => (each === "tools" ? isToCall : told.includes(each)));
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

function tagOf(model: Described, since: string): object {
  return {
    name: model.name,
    model: model.name,
    modified_at: since,
    size: model.sizeBytes,
    digest: model.digest ?? "",
    details: detailsOf(model),
    capabilities: capabilitiesOf(model),
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
    capabilities: capabilitiesOf(model),
    modified_at: since,
    model_info: {
      "general.architecture": familyOf(model),
      ...(model.contextTokens === undefined ? {} : { [`${familyOf(model)}.context_length`]: model.contextTokens }),
    },
  };
}
