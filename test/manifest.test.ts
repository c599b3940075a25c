import { existsSync, globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { measured, patient, unitPatterns } from "../scripts/check.ts";
import { defaultSettings, parseSettings } from "../src/core/settings.ts";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const { contributes } = manifest;
const declared: string[] = contributes.commands.map((each: { command: string }) => each.command);
// The table itself needs the editor; its keys do not.
const table = [...readFileSync("src/vscode/commands.ts", "utf8").matchAll(/^ {2}"(switchyard\.\w+)":/gm)].map(
  (match) => match[1],
);

/** What is described where a value is chosen from a list. */
interface Choice {
  readonly enum: readonly unknown[];
  readonly enumItemLabels?: readonly string[];
  readonly enumDescriptions?: readonly string[];
  readonly markdownEnumDescriptions?: readonly string[];
}
interface SettingProperty extends Partial<Choice> {
  readonly default: unknown;
  readonly scope: string;
}
interface SettingGroup {
  readonly properties: Readonly<Record<string, SettingProperty>>;
}

/** Of all groups, in which the editor shows them. */
function settings(): Record<string, SettingProperty> {
  const groups: readonly SettingGroup[] = contributes.configuration;
  const entries = groups.flatMap(({ properties }) => Object.entries(properties));
  expect(new Set(entries.map(([key]) => key)).size, "each in one group").toBe(entries.length);
  return Object.fromEntries(entries);
}

/** Every list of values in a setting, however deep, such as that of one field of a list. */
function choicesIn(value: unknown): readonly Choice[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.values(value).flatMap(choicesIn);
  return isChoice(value) ? [value, ...inner] : inner;
}

function isChoice(value: object): value is Choice {
  return "enum" in value && Array.isArray(value.enum);
}

/** Every `when` in it. */
function conditionsIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = "when" in value && typeof value.when === "string" ? [value.when] : [];
  return [...own, ...Object.values(value).flatMap(conditionsIn)];
}

it("no test is left out: each file belongs to a stage of the test command", () => {
  const others = ["test/containers/", "test/ui/", "test/host/"];
  const files = globSync("test/**/*.test.ts").map((file) => file.replaceAll("\\", "/"));
  expect(files.length).toBeGreaterThan(100);
  const left = files.filter((file) => ![...unitPatterns, ...others].some((pattern) => file.startsWith(pattern)));
  expect(left).toEqual([]);
});

it("what is to run apart is there: a file that was renamed would run beside others", () => {
  const files = globSync("test/**/*.test.ts").map((file) => file.replaceAll("\\", "/"));
  const apart = [...patient, ...measured];
  expect(apart.filter((start) => files.filter((file) => file.startsWith(start)).length !== 1)).toEqual([]);
  expect(apart.filter((start) => !unitPatterns.some((pattern) => start.startsWith(pattern)))).toEqual([]);
});

describe("the manifest", () => {
  it("declares exactly the commands that there are", () => {
    expect(table.length).toBeGreaterThan(20);
    expect(new Set(declared)).toEqual(new Set(table));
  });

  it("has the keys and defaults of the settings", () => {
    const properties = settings();
    const defaults = Object.fromEntries(
      Object.entries(properties).map(([key, property]) => [key.replace("switchyard.", ""), property.default]),
    );
    expect(defaults).toEqual(defaultSettings);
    expect(parseSettings(defaults)).toEqual(defaultSettings);
  });

  it("says every value that a person chooses in the person's language", () => {
    const translated = (texts: readonly string[] | undefined) =>
      texts?.filter((text) => /^%[\w.]+%$/.test(text)).length;
    const chosen = Object.entries(settings()).filter(([, property]) => isChoice(property));
    expect(chosen.length).toBeGreaterThan(5);
    for (const [key, { enum: values, enumItemLabels }] of chosen)
      expect(translated(enumItemLabels), `${key}: enumItemLabels`).toBe(values?.length);
    // A field of a list is written by hand: what is said there is all there is.
    for (const choice of choicesIn(contributes.configuration)) {
      const texts = choice.markdownEnumDescriptions ?? choice.enumDescriptions ?? choice.enumItemLabels;
      expect(translated(texts), JSON.stringify(choice)).toBe(choice.enum.length);
    }
  });

  it("names only its own commands and views in menus, keys and walkthrough", () => {
    const named = JSON.stringify([contributes.menus, contributes.keybindings, contributes.walkthroughs]);
    const commands = [...named.matchAll(/"command":"(switchyard\.\w+)"|onCommand:(switchyard\.\w+)/g)];
    expect(commands.length).toBeGreaterThan(30);
    for (const match of commands) expect(declared).toContain(match[1] ?? match[2]);
  });

  it("goes by conditions that the extension sets", () => {
    const source = readFileSync("src/vscode/context-keys.ts", "utf8");
    const list = /type ContextKey =([^;]*);/.exec(source)?.[1] ?? "";
    const keys = [...list.matchAll(/"(\w+)"/g)].map((match) => `switchyard.${match[1]}`);
    const conditions = [contributes.menus, contributes.keybindings, contributes.viewsWelcome].flatMap(conditionsIn);
    const named = conditions.flatMap((when) => when.match(/(?<![\w.=] ?)switchyard\.\w+/g) ?? []);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((key) => !keys.includes(key))).toEqual([]);
    // A button that was clicked proves nothing: a step is done when what it asks for was.
    const events: string[] = contributes.walkthroughs[0].steps.flatMap(
      (step: { completionEvents: string[] }) => step.completionEvents,
    );
    expect(events.length).toBeGreaterThan(5);
    const plain = events.filter((event) => !event.includes("&&"));
    expect(plain.filter((event) => !keys.includes(event.replace(/^onContext:/, "")))).toEqual([]);
    // The editor ticks nothing for a condition that held already when it read it: opening the walkthrough counts anew.
    expect(keys).toContain("switchyard.walkthroughOpened");
    const anew = plain.map((event) => `${event} && switchyard.walkthroughOpened`);
    expect(events.filter((event) => event.includes("&&"))).toEqual(anew);
  });

  it("has every file it names", () => {
    const walkthrough = contributes.walkthroughs[0].steps.map(
      (step: { media: { markdown: string } }) => step.media.markdown,
    );
    const files: string[] = [
      "media/icon.svg",
      manifest.icon,
      "LICENSE",
      "CHANGELOG.md",
      "README.md",
      "README.zh-CN.md",
      ...walkthrough,
    ];
    const chinese = walkthrough.map((file: string) => file.replace(/\.md$/, ".nls.zh-cn.md"));
    for (const file of [...files, ...chinese]) expect(existsSync(file), file).toBe(true);
    expect(existsSync(`${manifest.l10n}/bundle.l10n.zh-cn.json`)).toBe(true);
  });

  it("lets no workspace choose where text or downloads go", () => {
    const properties = settings();
    const keys = [
      "engine",
      "ollamaUrl",
      "weightSources",
      "trustedHosts",
      "claudeBaseUrl",
      "cloudModel",
      "cloudReasoning",
    ];
    // Not even the settings of a remote machine.
    expect(properties["switchyard.serviceClaude"]?.scope).toBe("application");
    for (const key of [...keys, "dailyBudgetUsd", "monthlyBudgetUsd", "redisUrl"]) {
      expect(properties[`switchyard.${key}`]?.scope).toBe("machine");
      expect(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations).toContain(`switchyard.${key}`);
    }
  });

  it("lets no workspace that is not trusted name the model that is asked: it could cost", () => {
    expect(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations).toContain("switchyard.pinnedModels");
  });

  it("depends on exact versions, so that an install without the lock file is the one that was tested", () => {
    const { dependencies, optionalDependencies } = manifest;
    for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies }))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("uses types no newer than the editor it asks for, and no telemetry package; spans are the person's own", () => {
    expect(`^${manifest.devDependencies["@types/vscode"]}`).toBe(manifest.engines.vscode);
    // OpenTelemetry's is loaded by one file, which is loaded where a person has named a collector.
    const packages = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(packages.filter((name) => /telemetry|sentry|analytics/.test(name.replace(/^@opentelemetry\//, "")))).toEqual(
      [],
    );
    const files = globSync("src/**/*.ts").filter((file) => readFileSync(file, "utf8").includes('"@opentelemetry/'));
    expect(files.map((file) => basename(file))).toEqual(["tracing.ts"]);
    const users = globSync("src/**/*.ts").filter((file) => readFileSync(file, "utf8").includes('/tracing.ts"'));
    expect(users.map((file) => basename(file))).toEqual(["open-tracing.ts"]);
    expect(readFileSync(users[0] ?? "", "utf8")).toMatch(
      /if \(address === undefined\) return[\s\S]*await import\("\.\/tracing/,
    );
  });
});
