// The rooms and arrows, as a table over the imports that are really there.
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { longFunctions } from "./harness/long-functions.ts";

/** Room to what it may import: other rooms, packages, `node:`. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: ["zod/mini"],
  tasks: ["core", "packages"],
  webview: ["core", "packages"],
  "private-file": ["node:"],
  "process-lock": ["node:"],
  home: ["node:"],
  backends: ["core", "private-file", "process-lock", "node:", "packages"],
  store: ["core", "private-file", "node:", "packages"],
  containers: ["core", "private-file", "process-lock", "node:", "packages"],
  app: ["core", "tasks", "backends", "containers", "asking", "models", "stores", "servers", "guidance", "node:"],
  asking: ["core", "tasks", "stores", "servers", "node:"],
  guidance: ["core", "tasks", "store", "node:"],
  servers: ["core", "backends", "containers", "node:"],
  models: ["core", "backends", "servers", "supply", "node:"],
  supply: ["core", "backends", "store", "containers", "node:"],
  stores: ["core", "backends", "store", "node:"],
  mcp: ["core", "app", "node:", "packages"],
  service: ["core", "private-file", "process-lock", "node:", "packages"],
  clients: ["core", "node:", "packages"],
  proxy: ["core", "app", "service", "node:", "packages"],
  cli: ["core", "app", "home", "mcp", "proxy", "service", "clients", "private-file", "node:", "packages"],
  vscode: ["core", "app", "home", "service", "clients", "vscode!", "node:", "packages"],
};
/** Longer than 60 lines, by their rooms: most join parts that stand apart. Take away what has become shorter. */
const knownLong: readonly string[] = [
  "app createApp",
  "core createMonitor",
  "core iterate",
  "servers connectServers",
  "store createLedger",
];
const byName = (a: string, b: string) => a.localeCompare(b);

interface Import {
  readonly from: string;
  readonly target: string;
  readonly isType: boolean;
}

const files = globSync("src/**/*.ts").map((file) => normalize(file));
const statement = /^(?:import|export)\s+(type\s+)?(?:[\w*{][^;]*?\sfrom\s+)?"([^"]+)"|import\("([^"]+)"\)/gm;

const imports: readonly Import[] = files.flatMap((file) =>
  [...readFileSync(file, "utf8").matchAll(statement)].map((match) => ({
    from: file.slice("src/".length),
    target: match[2] ?? match[3] ?? "",
    isType: match[1] !== undefined,
  })),
);

const roomOf = (file: string) => (file.includes("/") ? (file.split("/")[0] ?? "") : file.replace(/\.ts$/, ""));

function kindOf({ from, target }: Import): string {
  if (target.startsWith(".")) return roomOf(join(dirname(from), target));
  if (target === "vscode") return "vscode!";
  return target.startsWith("node:") ? "node:" : target;
}

describe("the rooms", () => {
  it("are all listed, and there is something in each", () => {
    const rooms = new Set(files.map((file) => roomOf(file.slice("src/".length))));
    expect([...rooms].sort(byName)).toEqual(Object.keys(mayImport).sort(byName));
    expect(imports.length).toBeGreaterThan(300);
  });

  it("import only what their arrows allow", () => {
    const wrong = imports.filter((each) => {
      const room = roomOf(each.from);
      const kind = kindOf(each);
      const allowed = mayImport[room] ?? [];
      const isPackage = !["node:", "vscode!"].includes(kind) && !(kind in mayImport);
      return kind !== room && !allowed.includes(kind) && !(isPackage && allowed.includes("packages"));
    });
    expect(wrong).toEqual([]);
  });

  it("have no cycles", () => {
    const edges = new Map<string, string[]>();
    for (const { from, target } of imports.filter((each) => each.target.startsWith("."))) {
      edges.set(from, [...(edges.get(from) ?? []), join(dirname(from), target)]);
    }
    const cycles = [...edges.keys()].flatMap((file) => cyclesFrom(file, edges));
    expect([...new Set(cycles)]).toEqual([]);
  });

  it("hold nothing that changes beside their functions, but for those that are programs", () => {
    const programs = ["cli", "vscode", "webview"];
    const changing = files.filter((file) => /^(?:export )?(?:let|var) /m.test(readFileSync(file, "utf8")));
    expect(changing.filter((file) => !programs.includes(roomOf(file.slice("src/".length))))).toEqual([]);
  });

  it("keep their functions under 60 lines, and those few that are longer grow no fellows", () => {
    const long = files.flatMap((file) =>
      longFunctions(readFileSync(file, "utf8"), 60).map((name) => `${roomOf(file.slice("src/".length))} ${name}`),
    );
    expect(long.toSorted(byName)).toEqual(knownLong);
  });

  it("keep their files under 300 lines, and so do their tests", () => {
    const all = [...files, ...globSync("test/**/*.ts", { exclude: ["test/fixtures/**"] })];
    const long = all.filter((file) => readFileSync(file, "utf8").split("\n").length > 301);
    expect(long).toEqual([]);
  });
});

/** Each cycle as its files in the order of their names. */
function cyclesFrom(start: string, edges: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    for (const next of edges.get(file) ?? []) {
      if (next === start) found.push([...path].sort(byName).join(" "));
      else if (!seen.has(next)) {
        seen.add(next);
        visit(next, [...path, next]);
      }
    }
  };
  visit(start, [start]);
  return found;
}
