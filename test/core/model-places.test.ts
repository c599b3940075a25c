import { expect, it } from "vitest";
import type { InstalledModel } from "../../src/core/backend.ts";
import { modelPlaces } from "../../src/core/model-places.ts";

const model = (name: string, backend: string, place: InstalledModel["place"] = "this-machine"): InstalledModel => ({
  name,
  backend,
  place,
  sizeBytes: 1,
  capabilities: [],
});

it("a model is one, with every server that has it; one in the cloud is another", () => {
  const found = modelPlaces([model("a", "x"), model("b", "x"), model("a", "y", "network"), model("a", "z", "cloud")]);
  expect(found.map(({ model: { name, place }, servers }) => [name, place, ...servers])).toEqual([
    ["a", "this-machine", "x", "y"],
    ["b", "this-machine", "x"],
    ["a", "cloud", "z"],
  ]);
});
