import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Tests start hundreds of processes from the sources: what Node has compiled of these is used again.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "out", "compiled");

export default defineConfig({
  test: {
    exclude: ["test/host/**", "node_modules/**"],
    // How long to wait before something counts as lost: a machine that is new, slow and busy gets there too.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
