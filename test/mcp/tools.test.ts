// The tool is described three times, for three readers; it takes the same everywhere.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { askOfAgent, localLlmInput } from "../../src/core/agent-ask.ts";
import { localLlmShape } from "../../src/mcp/tools.ts";

interface Described {
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}

/** Names, types and bounds, without the words about them. */
function bare({ properties = {}, required = [] }: Described) {
  const parts = Object.entries(properties).map(([name, property]) => [name, { ...property, description: undefined }]);
  return { properties: Object.fromEntries(parts), required };
}

describe("local_llm", () => {
  it("takes the same over the protocol, in the editor's manifest and where it is read", () => {
    const manifest = JSON.parse(readFileSync("package.json", "utf8"));
    const [tool] = manifest.contributes.languageModelTools;
    expect(tool).toMatchObject({ name: "switchyard_local_llm", toolReferenceName: "local_llm" });
    const protocol = z.toJSONSchema(localLlmShape, { io: "input" });
    expect(bare(tool.inputSchema)).toEqual(bare(protocol as Described));
    expect(bare(z.toJSONSchema(localLlmInput, { io: "input" }) as Described)).toEqual(bare(protocol as Described));
  });

  it.each([
    ["code", "code"],
    ["translation", "translate"],
    ["creative", "create"],
    ["general", "chat"],
    [undefined, undefined],
  ] as const)("of type %s is a task of kind %s", (type, kind) => {
    expect(askOfAgent({ prompt: "x", ...(type ? { task_type: type } : {}) }, []).kind).toBe(kind);
  });
});
