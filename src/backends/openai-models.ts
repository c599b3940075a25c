// The models that an OpenAI-compatible server lists, and what it tells of them besides.
import type { InstalledModel } from "../core/backend.ts";
import type { ModelList, Props } from "./openai-schemas.ts";

/** Programs that go on with an answer that is begun, as they name themselves. Others begin another one, without a word. */
const goingOn = new Set(["vllm", "sglang", "llamacpp"]);

/** @param props of llama.cpp, which serves one model mostly */
export function listedModels(
  data: ModelList["data"],
  props: Props | undefined,
): readonly Omit<InstalledModel, "backend" | "place" | "host">[] {
  const names = namesOf(data.map(({ id }) => id));
  const capabilities = props && data.length === 1 ? capabilitiesOf(props) : [];
  return data.map(({ id, owned_by: program, max_model_len, meta }, at) => {
    const contextTokens = max_model_len ?? props?.default_generation_settings.n_ctx ?? meta?.n_ctx ?? undefined;
    return {
      name: names[at] ?? id,
      sizeBytes: meta?.size ?? 0,
      capabilities,
      ...(goingOn.has(program ?? "") ? { goesOn: true as const } : {}),
      ...(contextTokens === undefined ? {} : { contextTokens }),
    };
  });
}

/** llama.cpp calls a model by the path of its file, which is long and tells where somebody's files lie. */
function namesOf(ids: readonly string[]): readonly string[] {
  const files = ids.map((id) => (/^(?:\/|[a-z]:[\\/])/i.test(id) ? (id.split(/[\\/]/).at(-1) ?? id) : id));
  return files.map((file, at) => (files.indexOf(file) === files.lastIndexOf(file) ? file : (ids[at] ?? file)));
}

/** Empty where it is not told: pictures and tools are then for who knows that it takes them. */
function capabilitiesOf({ chat_template_caps: template, modalities }: Props): readonly string[] {
  if (!template) return [];
  return ["completion", ...(template.supports_tools ? ["tools"] : []), ...(modalities?.vision ? ["vision"] : [])];
}
