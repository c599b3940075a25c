import { describe, expect, it } from "vitest";
import { asksFolders, heldByWindow } from "../../src/core/window-rules.ts";

const open = { offline: false, localOnly: [] };
const kept = { offline: false, localOnly: ["/work/client", "C:\\Work\\Client"] };
const held = (folders: readonly string[] | undefined) =>
  heldByWindow(folders ? { folders } : {}, [open, kept]) !== undefined;

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

  it("leaves those alone who work elsewhere, and holds for nobody where no window keeps anything", () => {
    expect(held(["/work/client2"])).toBe(false);
    expect(held(["/work/other", "D:\\Work\\Client"])).toBe(false);
    expect(heldByWindow({}, [open])).toBeUndefined();
    expect(heldByWindow({}, [])).toBeUndefined();
    expect([asksFolders([open]), asksFolders([open, kept])]).toEqual([false, true]);
  });
});
