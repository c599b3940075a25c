// What the API says of models: those on disk, those in memory, one in detail.
import type { ModelManifest } from "./model-files.ts";
import type { Loaded, Loading, ModelPool } from "./model-pool.ts";

type Line = Readonly<Record<string, unknown>>;

function detailsOf(model: ModelManifest): Line {
  return {
    parent_model: "",
    format: "gguf",
    family: model.family,
    families: [model.family],
    parameter_size: model.parameterSize,
    quantization_level: model.quantization,
    context_length: model.contextTokens,
  };
}

export function tagOf(model: ModelManifest, capabilities: readonly string[]): Line {
  return {
    name: model.name,
    model: model.name,
    modified_at: model.modifiedAt,
    size: model.sizeBytes,
    digest: model.sha256,
    details: detailsOf(model),
    capabilities,
  };
}

/** As Ollama has it, with what only we tell: `loading` and `answering`. */
export function psOf(pool: ModelPool): readonly Line[] {
  const loading = pool.loading();
  return [...pool.loaded().map((each) => loadedOf(each, pool)), ...(loading ? [loadingOf(loading)] : [])];
}

function loadedOf({ manifest, runner, expiresAtMs }: Loaded, pool: ModelPool): Line {
  const forever = "2318-01-01T00:00:00Z";
  const work = pool.work();
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    name: manifest.name,
    model: manifest.name,
    size: runner.sizeBytes,
    size_vram: 0,
    digest: manifest.sha256,
    details: detailsOf(manifest),
    context_length: runner.contextTokens,
    expires_at: Number.isFinite(expiresAtMs) ? time(expiresAtMs) : forever,
    answering: work?.name === manifest.name ? { asked_at: time(work.askedAtMs), since: time(work.sinceMs) } : null,
  };
}

function loadingOf({ manifest, completedBytes }: Loading): Line {
  return {
    name: manifest.name,
    model: manifest.name,
    size: manifest.sizeBytes,
    size_vram: 0,
    digest: manifest.sha256,
    details: detailsOf(manifest),
    loading: { completed: completedBytes, total: manifest.sizeBytes },
  };
}

export function showOf(model: ModelManifest, capabilities: readonly string[], facts: Line): Line {
  return {
    details: detailsOf(model),
    capabilities,
    model_info: {
      "general.architecture": model.family,
      [`${model.family}.context_length`]: model.contextTokens,
      ...facts,
    },
    license: "",
    modelfile: "",
    parameters: "",
    template: "",
    system: "",
    messages: [],
    modified_at: model.modifiedAt,
  };
}
