// Another window, in a process of its own: gets a model and prints each progress. FOLDER ADDRESS MODEL
import { createDownloads } from "../../src/backends/downloads.ts";
import { OllamaBackend } from "../../src/backends/ollama.ts";

const [folder = "", address = "", model = ""] = process.argv.slice(2);
const backend = new OllamaBackend({
  name: "test server",
  place: "this-machine",
  address: async () => address,
  pullLimits: { stallMs: 5_000, tries: 2, pauseMs: 10 },
});
const downloads = createDownloads({
  folder,
  serverFor: async () => backend,
  mayFetch: () => undefined,
  onDone: () => undefined,
});
for await (const progress of downloads.pull(model, new AbortController().signal)) {
  process.stdout.write(`${JSON.stringify(progress)}\n`);
}
process.stdout.write("there\n");
