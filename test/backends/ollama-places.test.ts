import { expect, it } from "vitest";
import { describeTag } from "../../src/backends/ollama-schemas.ts";

const server = { name: "Ollama at 127.0.0.1:11434", place: "this-machine", host: "127.0.0.1:11434" } as const;
const tag = (name: string, over: object = {}) =>
  describeTag({ name, size: 1, digest: "d", ...over }, { capabilities: [] }, server);

it("a model that an Ollama here has computed elsewhere is told with the host that gets the text, also by an older one", () => {
  expect(tag("llama3.1:8b")).toMatchObject({ place: "this-machine", host: "127.0.0.1:11434" });
  const remote = { remote_host: "https://ollama.com:443", remote_model: "gpt-oss:120b" };
  expect(tag("mine:latest", remote)).toMatchObject({ place: "cloud", host: "ollama.com" });
  expect(tag("mine:latest", { remote_host: "https://box.acme.dev:8443" })).toMatchObject({ host: "box.acme.dev:8443" });
  for (const name of ["gpt-oss:120b-cloud", "glm-4.6:cloud"]) {
    expect(tag(name), name).toMatchObject({ place: "cloud", host: "ollama.com" });
  }
  expect(tag("cloudy:7b")).toMatchObject({ place: "this-machine" });
});
