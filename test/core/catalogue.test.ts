import { expect, it } from "vitest";
import { isTag, rolesOf } from "../../src/core/catalogue.ts";

it("tells what a model is wanted for by the profile, and of the small ones that they are wanted for nothing", () => {
  expect(rolesOf("deepseek-coder:6.7b", "design")).toEqual(["code"]);
  expect(rolesOf("qwen2.5:7b", "design")).toEqual(["code", "chinese", "general", "reasoning", "translation"]);
  expect(rolesOf("smollm2:135m", "current")).toEqual([]);
});

it("knows a model by its file and as hubs write it, and takes no other for it", () => {
  for (const [name, tag] of [
    ["Qwen/Qwen2.5-7B-Instruct", "qwen2.5:7b"],
    ["qwen2.5-7b-instruct-q4_k_m.gguf", "qwen2.5:7b"],
    ["hf.co/someone/Qwen2.5-7B-Instruct-GGUF:Q4_K_M", "qwen2.5:7b"],
    ["meta-llama/Meta-Llama-3.1-8B-Instruct", "llama3.1:8b"],
    ["meta-llama/Llama-3.1-8B", "llama3.1:8b"],
    ["openai/gpt-oss-20b", "gpt-oss:20b"],
    ["Qwen/Qwen3-VL-8B-Instruct-FP8", "qwen3-vl:8b"],
    ["deepseek-ai/deepseek-coder-6.7b-instruct", "deepseek-coder:6.7b"],
    ["Qwen/Qwen3.6-35B-A3B", "qwen3.6:35b-a3b"],
    ["qwen2.5:7b-instruct-q4_K_M", "qwen2.5:7b"],
  ] as const)
    expect(isTag(name, tag), name).toBe(true);
  for (const [name, tag] of [
    ["Qwen/Qwen2.5-72B-Instruct", "qwen2.5:7b"],
    ["Qwen/Qwen2.5-Coder-7B-Instruct", "qwen2.5:7b"],
    ["Qwen/Qwen3.5-4bit", "qwen3.5:4b"],
    ["my-qwen2.5-7b", "qwen2.5:7b"],
    ["someone/qwen2.5:7b", "qwen2.5:7b"],
    ["llama-3.18b", "llama3.1:8b"],
  ] as const)
    expect(isTag(name, tag), name).toBe(false);
  expect(rolesOf("Qwen/Qwen2.5-7B-Instruct", "design")).toContain("chinese");
});
