import { describe, expect, it } from "vitest";
import { asksFolders, heldByWindow } from "../../src/core/window-rules.ts";

const open = { offline: false, localOnly: [] };
const kept = { offline: false, localOnly: ["/work/client", "C:\\Work\\Client"] };
const held = (folders: readonly string[] | undefined) =>
  heldByWindow({ sources: [], ...(folders ? { folders } : {}) }, [open, kept]) !== undefined;

describe("what a window keeps here", () => {
  it("holds for whoever works in its folder, around it, or does not tell where", () => {
    expect(held(["/work/client"])).toBe(true);
    expect(held(["/work/client/src/"])).toBe(true);
    expect(held(["/work"])).toBe(true);
    expect(held(["/"])).toBe(true);
    expect(held(["/home/me", "/work/client/src"])).toBe(true);
    expect(held(["c:/work/client/src"])).toBe(true);
    expect(held(["/WORK/Client"])).toBe(true);
    expect(held([])).toBe(true);
    expect(held(undefined)).toBe(true);
  });

  it("holds for its files, wherever they are asked about from", () => {
    const about = (uri: string) =>
      heldByWindow({ folders: ["/home/me"], sources: [{ uri, label: "", text: "", origin: "file" }] }, [kept]);
    expect(about("file:///work/client/src/a%20b.ts")).toEqual({ kind: "window", folder: "/work/client" });
    expect(about("file:///c%3A/work/client/a.ts")).toEqual({ kind: "window", folder: "C:\\Work\\Client" });
    expect(about("file:///work/other/a.ts")).toBeUndefined();
    expect(about("stdin:")).toBeUndefined();
  });

  it("leaves those alone who work elsewhere, and holds for nobody where no window keeps anything", () => {
    expect(held(["/work/client2"])).toBe(false);
    expect(held(["/work/other", "D:\\Work\\Client"])).toBe(false);
    expect(heldByWindow({ sources: [] }, [open])).toBeUndefined();
    expect(heldByWindow({ sources: [] }, [])).toBeUndefined();
    expect([asksFolders([open]), asksFolders([open, kept])]).toEqual([false, true]);
  });
});
