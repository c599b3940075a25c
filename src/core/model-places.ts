// Several servers may have the same model; for people and programs that choose one it is one.
import type { InstalledModel } from "./backend.ts";

export interface ModelPlaces {
  /** The first of them. */
  readonly model: InstalledModel;
  /** Names of all servers that have it, in order. */
  readonly servers: readonly string[];
}

/** Every model once. One that computes elsewhere is not the one of the same name here. */
export function modelPlaces(models: readonly InstalledModel[]): readonly ModelPlaces[] {
  const places = new Map<string, ModelPlaces>();
  for (const model of models) {
    const key = `${model.place === "cloud" ? "cloud" : "own"} ${model.name}`;
    const known = places.get(key);
    places.set(key, { model: known?.model ?? model, servers: [...(known?.servers ?? []), model.backend] });
  }
  return [...places.values()];
}

export function uniqueModels(models: readonly InstalledModel[]): readonly InstalledModel[] {
  return modelPlaces(models).map(({ model }) => model);
}
