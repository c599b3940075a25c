// What windows say of themselves, and what is left of it when they are gone.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { announceWindow, readWindows } from "../../src/service/open-windows.ts";

function newHome(): string {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "switchyard-windows-")));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

function write(home: string, pid: number, text: string): string {
  mkdirSync(join(home, "windows"), { recursive: true });
  const file = join(home, "windows", `${pid}.json`);
  writeFileSync(file, text);
  return file;
}

const offline = JSON.stringify({ offline: true, localOnly: [] });

describe("a window that is open", () => {
  it("is heard by those that look later and by those that look already, until it takes it back or closes", async () => {
    const home = newHome();
    const early = readWindows(home);
    expect(early()).toEqual([]);
    const window = announceWindow(home);
    onTestFinished(() => window.dispose());
    mkdirSync(join(home, "project"));
    symlinkSync(join(home, "project"), join(home, "link"));
    await window.say({ offline: false, localOnly: [join(home, "link")] });
    const both = [{ offline: false, localOnly: [join(home, "link"), join(home, "project")] }];
    expect(readWindows(home)()).toEqual(both);
    await sleep(30);
    expect(early()).toEqual(both);
    await window.say({ offline: false, localOnly: [] });
    expect(readWindows(home)()).toEqual([]);
    await window.say({ offline: true, localOnly: [] });
    expect(readWindows(home)()).toEqual([{ offline: true, localOnly: [] }]);
    window.dispose();
    expect(readWindows(home)()).toEqual([]);
  });

  it("keeps everything here where what it says cannot be read", () => {
    const home = newHome();
    for (const text of ["", '{"offline":', '{"offline":false}', "[]"]) {
      write(home, process.pid, text);
      expect(readWindows(home)(), text).toEqual([{ offline: true, localOnly: [] }]);
    }
    rmSync(join(home, "windows"), { recursive: true });
    writeFileSync(join(home, "windows"), "");
    expect(readWindows(home)()).toEqual([{ offline: true, localOnly: [] }]);
  });

  it("is not heard any more when its process has died", async () => {
    const home = newHome();
    const child = spawn(process.execPath, ["--eval", ""], { stdio: "ignore" });
    await once(child, "exit");
    write(home, child.pid ?? 0, offline);
    expect(readWindows(home)()).toEqual([]);
    expect(readdirSync(join(home, "windows"))).toEqual([]);
  });

  it.skipIf(process.platform !== "linux")("is not heard any more when another process has its id", async () => {
    const home = newHome();
    const window = announceWindow(home);
    onTestFinished(() => window.dispose());
    await window.say({ offline: true, localOnly: [] });
    const own = join(home, "windows", `${process.pid}.json`);
    const said = JSON.parse(readFileSync(own, "utf8"));
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    onTestFinished(() => void child.kill());
    await once(child, "spawn");
    const another = write(home, child.pid ?? 0, JSON.stringify(said));
    expect(readWindows(home)()).toEqual([{ offline: true, localOnly: [] }]);
    expect(existsSync(another)).toBe(false);
    // After the machine was started anew all ids begin anew.
    writeFileSync(own, JSON.stringify({ ...said, birth: said.birth.replace(/^\S+/, "before") }));
    expect(readWindows(home)()).toEqual([]);
  });

  it("is heard however long it was silent: the machine may have slept, several times, before it speaks again", async () => {
    const home = newHome();
    const window = announceWindow(home);
    onTestFinished(() => window.dispose());
    await window.say({ offline: true, localOnly: [] });
    const isOffline = () => readWindows(home)().some((each) => each.offline);
    const folder = join(home, "windows");
    for (const hours of [8, 20]) {
      const asleep = new Date(Date.now() - hours * 3_600_000);
      for (const name of readdirSync(folder)) utimesSync(join(folder, name), asleep, asleep);
      // By whoever looks, however often.
      expect([isOffline(), isOffline()], `${hours}`).toEqual([true, true]);
    }
    await window.say({ offline: false, localOnly: [] });
    expect(isOffline()).toBe(false);
  });

  it("is heard as well where it is of a version that did not tell when it began", () => {
    const home = newHome();
    const file = write(home, process.pid, offline);
    const before = new Date(Date.now() - 11 * 60_000);
    utimesSync(file, before, before);
    const look = () => readWindows(home)();
    expect([look(), look()]).toEqual([[JSON.parse(offline)], [JSON.parse(offline)]]);
  });
});
