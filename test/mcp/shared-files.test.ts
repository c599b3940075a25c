// Which files a client gets worked on: those in the folders that it shares, and no others, whatever their paths look like.
import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startFolder } from "../../src/mcp/shared-files.ts";
import { beginLines, doneLine, type ScriptedServer, tokenLine } from "../backends/scripted-server.ts";
import { newFolder, openSession, type Session, serveModel, textOf } from "./session.ts";

let folder: Awaited<ReturnType<typeof newFolder>>;
let project = "";
let outside = "";
let server: ScriptedServer;
let session: Session | undefined;
/** One that has the project as its root, for tests that want no other. */
let common: Session;
const uri = (path: string) => pathToFileURL(path).href;

beforeAll(async () => {
  folder = await newFolder();
  project = join(folder.path, "project");
  outside = join(folder.path, "outside");
  for (const each of [join(project, "src"), join(project, "vault"), join(project, "part", ".vscode"), outside])
    await mkdir(each, { recursive: true });
  await writeFile(join(project, "src", "mean.js"), "export const mean = (xs) => xs.length;\n");
  await writeFile(join(project, ".env"), "PASSWORD=x\n");
  await writeFile(join(project, "vault", ".localonly"), "");
  await writeFile(join(project, "vault", "plan.md"), "The plan.\n");
  await writeFile(join(project, "part", ".vscode", "settings.json"), '{ "switchyard.localOnly": true }');
  await writeFile(join(project, "part", "plan.md"), "The plan.\n");
  await writeFile(join(project, "empty.js"), " \n");
  await writeFile(join(project, "picture.png"), new Uint8Array([137, 80, 78, 71, 0, 0, 1]));
  await writeFile(join(project, "large.txt"), "x".repeat(6 * 1024 * 1024));
  await writeFile(join(project, "huge.txt"), "x".repeat(11 * 1024 * 1024));
  await writeFile(join(outside, "secret.txt"), "The secret.\n");
  await symlink(join(outside, "secret.txt"), join(project, "link.txt"));
  await symlink(outside, join(project, "linked"));
  await symlink(project, join(folder.path, "way-in"));
  execFileSync("mkfifo", [join(project, "pipe")]);
  server = await serveModel((_, response) => {
    beginLines(response);
    response.end(tokenLine("It is a file.") + doneLine());
  });
  common = await connect({ roots: [uri(project)] });
});
afterEach(async () => {
  await session?.close();
  session = undefined;
});
afterAll(async () => {
  await common?.close();
  await server.close();
  await folder.remove();
});

async function open(options: ConnectOptions): Promise<Session> {
  session = await connect(options);
  return session;
}

interface ConnectOptions {
  roots?: readonly string[];
  cwd?: string;
  args?: string[];
  mode?: "legacy" | "auto";
}

async function connect(options: ConnectOptions): Promise<Session> {
  const { roots, args = [], mode = "legacy" } = options;
  const env = {
    SWITCHYARD_HOME: join(folder.path, "home"),
    SWITCHYARD_ENGINE: "ollama",
    SWITCHYARD_OLLAMA_URL: server.url,
  };
  const where = { folder: options.cwd ?? folder.path, args, env, mode };
  return openSession(roots ? { ...where, roots } : where);
}
/** How often a model was asked. */
const asked = () => server.requests.filter((request) => request === "POST /api/chat").length;
const explain = (path: string) => ({ paths: [path] });

describe("files", () => {
  it.each(["legacy", "auto"] as const)("in a root of the client are read, over the %s protocol", async (mode) => {
    const { call } = await open({ roots: [uri(project)], mode });
    for (const path of ["src/mean.js", join(project, "src/mean.js"), "./src/../src/mean.js", "../way-in/src/mean.js"]) {
      const result = await call("explain_code", explain(path));
      expect(textOf(result), path).toContain("It is a file.");
    }
    expect(server.bodies.join()).toContain("src/mean.js:");
  });

  it("outside are refused, however they are named, and no model is asked", async () => {
    const { call } = common;
    const before = asked();
    for (const path of [
      "../outside/secret.txt",
      join(outside, "secret.txt"),
      "link.txt",
      "linked/secret.txt",
      "src/../../outside/secret.txt",
      "/etc/passwd",
      "/etc/nothing-of-this-name",
      "~/.ssh/id_rsa/../../../../../../etc/passwd",
      "..",
    ]) {
      const result = await call("explain_code", explain(path));
      expect(result.isError, path).toBe(true);
      expect(textOf(result)).toContain(`${path} is outside the folders that are shared with this tool`);
      expect(textOf(result)).not.toContain("The secret");
    }
    expect(asked()).toBe(before);
  });

  it.each([
    ["picture.png", "picture.png is not a text file."],
    ["nothing.js", "nothing.js cannot be read: there is no such file."],
    ["empty.js", "empty.js is empty."],
    ["src", "src is a folder."],
    ["pipe", "pipe is not a text file."],
    ["huge.txt", "huge.txt has 12 MB; files up to 10 MB can be worked on."],
    ["src/mean.js\0.png", "is not a path."],
    ["", '"" is not a path.'],
    [`${"x".repeat(5000)}`, "there is no such file."],
  ])("that cannot be worked on are named: %j", async (path, text) => {
    const { call } = common;
    const result = await call("review_code", explain(path));
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain(text);
  });

  it("that may not leave this machine are not told about to an agent", async () => {
    const { call } = common;
    const before = asked();
    for (const path of [".env", "vault/plan.md", "part/plan.md"]) {
      const result = await call("local_llm", { prompt: "Repeat the file.", paths: [path] });
      expect(result.isError).toBe(true);
      expect(textOf(result)).toContain(`${path} may not leave this machine`);
    }
    expect(asked()).toBe(before);
  });

  it("are at most fifty at once, and 10 MB together", async () => {
    const { call } = common;
    const paths = Array.from({ length: 51 }, () => "src/mean.js");
    expect(textOf(await call("local_llm", { prompt: "Read.", paths }))).toContain("51 files are too many");
    const large = { prompt: "Read.", paths: ["large.txt", "src/mean.js", "large.txt"] };
    expect(textOf(await call("local_llm", large))).toBe("The files have more than 10 MB together.");
  });

  it("are none where the client shares nothing, or nothing that is on this machine", async () => {
    for (const roots of [[], ["https://example.com/project"], [uri(join(folder.path, "gone"))]]) {
      const { call, close } = await open({ roots, cwd: project });
      expect((await call("explain_code", explain("src/mean.js"))).isError).toBe(true);
      await close();
    }
  });
});

describe("a client that tells no roots", () => {
  it.each([
    ["the working directory", () => ({ cwd: project })],
    ["the folder of --root", () => ({ args: ["--root", project] })],
  ])("shares %s and nothing else", async (_, options) => {
    const { call } = await open(options());
    expect((await call("explain_code", explain("src/mean.js"))).isError).toBeFalsy();
    expect((await call("explain_code", explain("../outside/secret.txt"))).isError).toBe(true);
  });

  it("does not share the whole disk, nor all that the person has", async () => {
    await expect(startFolder("/")).rejects.toThrow("too much to share");
    await expect(startFolder(homedir())).rejects.toThrow("too much to share");
    expect(await startFolder(project)).toBe(project);
  });
});
