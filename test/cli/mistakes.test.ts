// What goes wrong at a shell besides the question itself: no answer, no room for it, no such command or folder.
import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { runCommand } from "../harness/command-line.ts";
import { says, useShell } from "./asking-shell.ts";

const { path, serve, run } = useShell();

/** A home on a disk without any room, in a space of its own; not every machine lets one make it. */
const unshare = "/usr/bin/unshare";
const onFullDisk = [unshare, "-rm", "/bin/sh", "-c", 'mount -t tmpfs -o nr_inodes=1 x /mnt && exec "$0" "$@"'];
const canFill = spawnSync(unshare, ["-rm", "mount", "-t", "tmpfs", "x", "/mnt"]).status === 0;

describe("a person at a shell", () => {
  it.skipIf(!canFill)("can still look at models, and remove them, where the disk is full", async () => {
    const { url } = await serve(says("never"));
    const env = { SWITCHYARD_HOME: "/mnt/home", SWITCHYARD_ENGINE: "ollama", SWITCHYARD_OLLAMA_URL: url };
    const listed = await runCommand(["models"], { env, through: onFullDisk });
    expect(listed).toMatchObject({ code: 0, out: expect.stringContaining("qwen3.5:9b") });
  });

  it("is told that the model gave no answer, and the shell ends with 1, also for machines", async () => {
    await serve(says(" \n"));
    for (const args of [
      ["ask", "hi"],
      ["explain", "mean.js"],
    ]) {
      const result = await run([...args, "--fresh"]);
      expect(result).toMatchObject({ code: 1, err: expect.stringContaining("The model gave no answer.") });
    }
    const json = await run(["ask", "hi", "--fresh", "--json"]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out).notices).toEqual([expect.stringContaining("gave no answer")]);
  });

  it.skipIf(!existsSync("/dev/full"))(
    "is told that an answer could not be written, and the shell ends with 1",
    async () => {
      const { url } = await serve(says("It is a mean."));
      for (const args of [["explain", "mean.js", "--fresh"], ["models"]]) {
        const result = await runCommand(args, {
          cwd: dirname(path("mean.js")),
          env: { SWITCHYARD_HOME: path("home"), SWITCHYARD_ENGINE: "ollama", SWITCHYARD_OLLAMA_URL: url },
          through: ["/bin/sh", "-c", 'exec "$0" "$@" > /dev/full'],
        });
        expect(result).toMatchObject({ code: 1, err: expect.stringContaining("could not be written: ENOSPC") });
      }
    },
  );

  it("is told of the help of a command that there is not, and has that of one below another", async () => {
    expect(await run(["help", "nope"])).toMatchObject({
      code: 2,
      out: "",
      err: "switchyard: There is no command nope.\n",
    });
    expect(await run(["help", "models", "pull"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("models pull"),
    });
    const chinese = await run(["help", "serve"], { env: { LANG: "zh_CN.UTF-8" } });
    expect(chinese.out).toContain("（默认：127.0.0.1）");
    expect(chinese.out).not.toContain("default");
  });

  it.skipIf(process.platform === "win32")(
    "may name a file in brackets, and what a shell puts in a file’s place, but no device",
    async () => {
      const server = await serve(says("Fine."));
      await writeFile(path("[id].js"), "export const inBrackets = 1;\n");
      await writeFile(path("i.js"), "export const other = 1;\n");
      expect((await run(["explain", "[id].js", "--fresh"])).code).toBe(0);
      expect(server.bodies.join()).toContain("inBrackets");
      expect(server.bodies.join()).not.toContain("other");
      expect(await run(["explain", "/dev/zero"])).toMatchObject({
        code: 2,
        err: expect.stringContaining("not a text file"),
      });
      await promisify(execFile)("mkfifo", [path("pipe.ts")]);
      const [piped] = await Promise.all([
        run(["explain", "pipe.ts", "--fresh"]),
        writeFile(path("pipe.ts"), "export const piped = 1;\n"),
      ]);
      expect(piped.code).toBe(0);
      expect(server.bodies.join()).toContain("piped");
    },
  );

  it.skipIf(process.platform !== "linux")(
    "is told where a translation cannot be put before the model has made it",
    async () => {
      const server = await serve(says("never"));
      const result = await run(["translate", "/proc/version", "--to", "zh-CN"]);
      expect(result).toMatchObject({
        code: 1,
        err: expect.stringContaining("/proc/version.zh-CN could not be written"),
      });
      expect(server.requests).not.toContain("POST /api/chat");
    },
  );

  it("is told that there is no folder for agents to read", async () => {
    expect(await run(["mcp", "--root", path("none")])).toMatchObject({
      code: 2,
      err: expect.stringContaining("There is no folder"),
    });
  });

  it("is told once what fails for every answer", async () => {
    await serve(says("Fine."));
    const env = { HOME: path("mean.js"), SWITCHYARD_HOME: "" };
    const { err } = await run(["explain", "mean.js", "guide.md"], { env });
    expect(err.match(/answer cache: /g)).toHaveLength(1);
  });
});
