// The service with room for the load of a measurement; all else is as `switchyard serve` has it.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApp } from "../../../src/app.ts";
import { defaultSettings } from "../../../src/core/settings.ts";
import { taskKinds } from "../../../src/core/task.ts";
import { createProxy } from "../../../src/proxy/server.ts";

const ollamaUrl = `http://127.0.0.1:${process.env["UPSTREAM"]}`;
const app = createApp({
  settings: {
    ...defaultSettings,
    engine: "ollama",
    ollamaUrl,
    nodes: [{ url: ollamaUrl, slots: 1024 }],
    maxContextTokens: 131_072,
  },
  folders: { home: mkdtempSync(join(tmpdir(), "switchyard-bench-")), engineEntry: "none" },
  log: () => undefined,
  env: {},
  askedBy: "proxy",
  limits: Object.fromEntries(taskKinds.map((kind) => [kind, 1024])),
  maxWaiting: 1024,
});
const { server, drain } = createProxy(app, {
  token: "bench",
  isLoopback: true,
  version: "bench",
  log: () => undefined,
});
process.once("SIGTERM", () => void drain(30_000).then(() => process.exit(0)));
server.listen(0, "127.0.0.1", 2048, () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : "");
});
