// Settings of other programs: what has to change changes, and nothing else does.
import { describe, expect, it } from "vitest";
import type { FileFormat, Step } from "../../src/clients/client.ts";
import { documents, valueAt } from "../../src/clients/document.ts";

const json = `{
    // mine
    "theme": "dark", // keep
    "list": [
        { "name": "a", "value": "1" },
        { "name": "b", "value": "2" },
    ],
}
`;
const toml = `# mine
model = "gpt-5"   # keep

[mcp_servers.a]
command = "x" # why
args = [ "1",
  "2" ]

[projects."/home/x"]
trust_level = "trusted"
`;
const yaml = `# mine
name: Mine
version: 0.0.1
models:
    # the first
    - name: "A"   # keep
      provider: ollama
      roles: [chat]
    - name: B
      provider: openai
      systemMessage: |
        Be brief.

        Be kind.
# about rules
rules:
  - Be careful
`;
const env = "# mine\nexport A=1\nB=two words\n";

const cases: readonly (readonly [string, FileFormat, string, readonly Step[], unknown])[] = [
  ["a key", "json", json, ["env", "URL"], "http://127.0.0.1:8000"],
  ["a key with a dot", "json", json, ["a.b"], true],
  ["an element of a list", "json", json, ["list", { key: "name", is: "c" }], { name: "c", value: "3" }],
  ["an element of a new list", "json", json, ["other", { key: "name", is: "c" }], { name: "c" }],
  ["a key into tabs", "json", '{\n\t"a": 1\n}', ["b"], 2],
  ["a key with other line ends", "json", '{\r\n  "a": 1\r\n}\r\n', ["b"], 2],
  ["an element of the document", "json", '[\n  { "name": "a" }\n]\n', [{ key: "name", is: "b" }], { name: "b" }],
  ["a key", "toml", toml, ["model_provider"], "switchyard"],
  [
    "a table",
    "toml",
    toml,
    ["mcp_servers", "local-llm"],
    { url: "http://x", http_headers: { Authorization: "Bearer t" } },
  ],
  ["a table in a new one", "toml", toml, ["model_providers", "switchyard"], { name: "S", wire_api: "responses" }],
  ["an element of a list", "yaml", yaml, ["models", { key: "name", is: "C" }], { name: "C", roles: ["chat"] }],
  ["an element of a new list", "yaml", yaml, ["mcpServers", { key: "name", is: "C" }], { name: "C", url: "http://x" }],
  ["a key", "yaml", yaml, ["schema"], "v1"],
  ["a line", "env", env, ["TOKEN"], "sy-1"],
];

describe("a settings file", () => {
  it.each(cases)(
    "gets %s as %s, with every other line as it was, and gives it back",
    (_, format, text, path, value) => {
      const { parse, set, remove } = documents[format];
      const changed = set(text, path, value);
      expect(valueAt(parse(changed), path)).toEqual(value);
      const lines = new Set(changed.split(/\r?\n/).map((line) => line.replace(/,$/, "")));
      for (const line of text.split(/\r?\n/)) expect(lines).toContain(line.replace(/,$/, ""));
      // Once more says the same.
      expect(parse(set(changed, path, value))).toEqual(parse(changed));
      const parent = path.slice(0, -1);
      const back = remove(changed, path);
      expect(valueAt(parse(back), path)).toBeUndefined();
      if (parent.length === 0 || valueAt(parse(text), parent) !== undefined) expect(parse(back)).toEqual(parse(text));
    },
  );

  it.each(["json", "toml", "yaml", "env"] as const)("that is empty or not there is begun, as %s", (format) => {
    const { parse, set } = documents[format];
    expect(valueAt(parse(set("", ["key"], "value")), ["key"])).toBe("value");
  });

  it.each([
    ["json", '{ "a": '],
    ["toml", "a = = 1"],
    ["yaml", "a: [1"],
    ["yaml", "- a list"],
  ] as const)("that is no %s is refused: %s", (format, text) => {
    expect(() => documents[format].set(text, ["key"], "value")).toThrow();
  });

  it("changes a value in its place", () => {
    expect(documents.toml.set(toml, ["model"], "other")).toBe(toml.replace('"gpt-5"', '"other"'));
    expect(documents.yaml.set(yaml, ["version"], "2.0.0")).toBe(yaml.replace("0.0.1", "2.0.0"));
    expect(documents.json.set(json, ["theme"], "light")).toBe(json.replace('"dark"', '"light"'));
    expect(documents.env.set(env, ["B"], "3")).toBe("# mine\nexport A=1\nB=3\n");
  });
});
