import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { fileParallelism: !process.argv.includes("test/ui"), exclude: ["test/host/**", "node_modules/**"] },
});
