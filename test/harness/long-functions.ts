import { parse } from "@babel/parser";

/** Names of the functions in the source that have more lines; one without a name has that of what it is in. */
export function longFunctions(source: string, mostLines: number): readonly string[] {
  const found: string[] = [];
  const visit = (node: unknown, name: string): void => {
    if (Array.isArray(node)) for (const each of node) visit(each, name);
    if (!isNode(node)) return;
    const own = nameOf(node["id"]) ?? nameOf(node["key"]) ?? name;
    const lines = node.loc ? node.loc.end.line - node.loc.start.line + 1 : 0;
    if (/Function|Method$/.test(node.type) && lines > mostLines) found.push(own);
    for (const [key, value] of Object.entries(node)) if (key !== "loc") visit(value, own);
  };
  visit(parse(source, { sourceType: "module", plugins: ["typescript"] }).program.body, "");
  return found;
}

interface Node extends Readonly<Record<string, unknown>> {
  readonly type: string;
  readonly loc?: { readonly start: { readonly line: number }; readonly end: { readonly line: number } };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function nameOf(value: unknown): string | undefined {
  return isNode(value) && typeof value["name"] === "string" ? value["name"] : undefined;
}
