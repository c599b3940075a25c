// Entry of the built-in engine's own process: node engine.js --home DIR
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { home: { type: "string" }, models: { type: "string" }, port: { type: "string", default: "0" } },
});
if (!values.home) throw new Error("--home DIR is missing");
try {
  import.meta.resolve("node-llama-cpp");
} catch {
  console.error("This build has no built-in engine. Install Ollama, or the build of Switchyard for your platform.");
  process.exit(3);
}
// Loaded only now: it needs the package.
const { runEngine } = await import("./engine-process.ts");
await runEngine({ home: values.home, models: values.models, port: Number(values.port) });
