import { expect, it } from "vitest";
import { rolesOf } from "../../src/core/catalogue.ts";

it("tells what a model is wanted for by the profile, and of the small ones that they are wanted for nothing", () => {
  expect(rolesOf("deepseek-coder:6.7b", "design")).toEqual(["code"]);
  expect(rolesOf("qwen2.5:7b", "design")).toEqual(["code", "chinese", "general", "reasoning", "translation"]);
  expect(rolesOf("smollm2:135m", "current")).toEqual([]);
});
