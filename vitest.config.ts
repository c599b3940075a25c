import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    fileParallelism: !process.argv.includes("test/ui"),
    exclude: ["test/host/**", "node_modules/**"],
    // How long to wait before something counts as lost: a machine that is new, slow and busy gets there too.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
