// What a model can do, as its own file tells.
import { EngineError } from "./engine-error.ts";
import type { ModelFiles, ModelManifest } from "./model-files.ts";

export interface Capabilities {
  /** As `/api/show` names them. */
  of(manifest: ModelManifest): Promise<readonly string[]>;
  /** @throws EngineError 400 */
  needTools(manifest: ModelManifest): Promise<void>;
}

/** Each file is looked into once. */
export function createCapabilities(files: ModelFiles): Capabilities {
  const known = new Map<string, Promise<readonly string[]>>();
  const of = (manifest: ModelManifest) => {
    const key = manifest.sha256 || manifest.name;
    const found = known.get(key) ?? readCapabilities(files.pathOf(manifest));
    known.set(key, found);
    return found;
  };
  return {
    of,
    async needTools(manifest) {
      if ((await of(manifest)).includes("tools")) return;
      throw new EngineError(400, `model '${manifest.name}' does not support tools`);
    },
  };
}

async function readCapabilities(path: string): Promise<readonly string[]> {
  const { readGgufFileInfo } = await import("node-llama-cpp");
  const { metadata } = await readGgufFileInfo(path, { readTensorInfo: false, logWarnings: false });
  const own: unknown = Reflect.get(metadata, metadata.general.architecture);
  // Models whose file says how to put the vectors of a text together are made for that.
  if (typeof own === "object" && own !== null && "pooling_type" in own) return ["embedding"];
  const template: unknown = metadata.tokenizer?.chat_template;
  const hasTools = typeof template === "string" && /\btools\b/.test(template);
  return hasTools ? ["completion", "tools"] : ["completion"];
}
