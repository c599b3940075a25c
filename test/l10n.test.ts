// Every text people see has a Chinese one, and nothing in the bundle is left over.
import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const call = /(?<![\w.])(?:[\w.]+\.)?(?:msg|t)\(\s*("(?:[^"\\\n]|\\.)*")/g;
const bundle: Record<string, string> = JSON.parse(readFileSync("media/l10n/bundle.l10n.zh-cn.json", "utf8"));
const used = new Set(
  globSync(["src/**/*.ts", "scripts/start.ts"]).flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(call)].map((match): string => JSON.parse(match[1] ?? '""')),
  ),
);

const byName = (a: string, b: string) => a.localeCompare(b);
const placeholders = (text: string) => [...text.matchAll(/\{\d+\}/g)].map((match) => match[0]).sort(byName);

describe("texts", () => {
  it("are found in the source", () => {
    expect(used.size).toBeGreaterThan(150);
    expect(used).toContain("Ask about your code…");
  });
  it("all have a Chinese translation", () => {
    expect([...used].filter((text) => !bundle[text])).toEqual([]);
  });
  it("keep their places in Chinese", () => {
    const differing = Object.entries(bundle).filter(
      ([english, chinese]) => placeholders(english).join() !== placeholders(chinese).join(),
    );
    expect(differing).toEqual([]);
  });
  it("are not kept when nothing uses them any more", () => {
    expect(Object.keys(bundle).filter((text) => !used.has(text))).toEqual([]);
  });
  it("exist in both languages for the manifest", () => {
    const manifest = readFileSync("package.json", "utf8");
    const english: Record<string, string> = JSON.parse(readFileSync("package.nls.json", "utf8"));
    const chinese: Record<string, string> = JSON.parse(readFileSync("package.nls.zh-cn.json", "utf8"));
    const wanted = [...manifest.matchAll(/"%([\w.]+)%"/g)].map((match) => match[1] ?? "");
    expect(wanted.length).toBeGreaterThan(60);
    expect(wanted.filter((key) => !english[key] || !chinese[key])).toEqual([]);
    expect(Object.keys(english).filter((key) => !wanted.includes(key))).toEqual([]);
    expect(Object.keys(chinese).sort(byName)).toEqual(Object.keys(english).sort(byName));
  });
});
