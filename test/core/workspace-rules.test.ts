import { expect, it } from "vitest";
import { isProtecting, strictest } from "../../src/core/workspace-rules.ts";

it("a workspace cannot take a rule of privacy away, nor let answers be kept that are not to be kept", () => {
  const own = { defaultValue: false, globalValue: true, workspaceValue: false, workspaceFolderValue: false };
  expect(strictest("offline", own)).toBe(true);
  expect(strictest("localOnly", own)).toBe(true);
  expect(strictest("localOnlyPaths", { defaultValue: ["**/.env"], workspaceValue: [] })).toEqual(["**/.env"]);
  expect(strictest("cache", { defaultValue: true, globalValue: false, workspaceValue: true })).toBe(false);
});

it("a workspace can protect more than the person does", () => {
  expect(strictest("offline", { defaultValue: false, workspaceValue: true })).toBe(true);
  expect(strictest("cache", { defaultValue: true, workspaceFolderValue: false })).toBe(false);
  expect(strictest("cache", { defaultValue: true })).toBe(true);
  expect(strictest("localOnlyPaths", { globalValue: ["a"], workspaceValue: ["b", "a"] })).toEqual(["a", "b"]);
  expect(isProtecting("monitor")).toBe(false);
});
