// Programs are set up and taken back, in a home of their own.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clientIds, type Surroundings } from "../../src/clients/client.ts";
import { applyConnection, applyUndo, planConnection, planUndo } from "../../src/clients/connect.ts";
import { connectedIds } from "../../src/clients/connected.ts";
import { clients } from "../../src/clients/programs.ts";
import { diffOf } from "../../src/clients/show-diff.ts";

const token = "sy-canary-0123456789";
let root = "";
let home = "";
let surroundings: Surroundings;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "switchyard-clients-")));
  home = join(root, "data");
  surroundings = {
    url: "http://127.0.0.1:8000",
    token,
    model: "switchyard/code",
    contextTokens: 32_768,
    userHome: join(root, "person"),
    editorFolder: join(root, "editor"),
    env: {},
  };
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(path: string, text: string, mode = 0o644): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode });
  return path;
}

const inHome = (path: string) => join(surroundings.userHome, path);

async function connect(id: (typeof clientIds)[number], over: Partial<Surroundings> = {}) {
  const plan = await planConnection(home, clients[id], { ...surroundings, ...over });
  await applyConnection(home, plan);
  return plan;
}

async function undo(id: (typeof clientIds)[number]) {
  const undone = await planUndo(home, id);
  if (!undone) throw new Error("it is set up");
  await applyUndo(home, id, undone);
  return undone;
}

/** Every file with its bytes and rights. */
async function snapshot(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const found: Record<string, string> = {};
  for (const name of names) {
    const status = await stat(join(folder, name));
    if (status.isFile()) {
      found[name] = `${(status.mode & 0o777).toString(8)} ${await readFile(join(folder, name), "base64")}`;
    }
  }
  return found;
}

const existing: Readonly<Record<string, string>> = {
  ".claude/settings.json":
    '{\n  "model": "opus", // mine\n  "env": { "ANTHROPIC_BASE_URL": "https://gateway.example", "FOO": "1" }\n}',
  ".claude.json": '{"numStartups":3,"mcpServers":{"other":{"type":"stdio","command":"x"}}}',
  ".cline/data/globalState.json": '{\r\n\t"actModeApiProvider": "anthropic",\r\n\t"taskHistory": []\r\n}\r\n',
  ".cline/data/secrets.json": '{ "openAiApiKey": "sk-mine" }',
  ".continue/config.yaml": "# mine\nname: Mine\nversion: 0.0.1\nmodels:\n- name: A   # keep\n  provider: ollama\n",
  ".continue/.env": "KEY=1",
  ".codex/config.toml": '# mine\nmodel = "gpt-5" # keep\n\n[mcp_servers.a]\ncommand = "x"\n',
};

describe.each(clientIds)("setting up %s", (id) => {
  it("and taking it back leaves every byte and right as it was, where there were files", async () => {
    for (const [path, text] of Object.entries(existing)) await write(inHome(path), text);
    await write(
      join(surroundings.editorFolder, "settings.json"),
      '{\n    // mine\n    "editor.fontSize": 14,\n}\n',
      0o640,
    );
    await write(join(surroundings.editorFolder, "chatLanguageModels.json"), '[{"name":"Mine","vendor":"ollama"}]');
    const before = [await snapshot(surroundings.userHome), await snapshot(surroundings.editorFolder)];
    await connect(id);
    expect(connectedIds(home)).toEqual([id]);
    const during = [await snapshot(surroundings.userHome), await snapshot(surroundings.editorFolder)];
    expect(during).not.toEqual(before);
    // A second time, to another address: what was there first is what is gone back to.
    await connect(id, { url: "http://127.0.0.1:8001" });
    await undo(id);
    expect([await snapshot(surroundings.userHome), await snapshot(surroundings.editorFolder)]).toEqual(before);
    expect(connectedIds(home)).toEqual([]);
    expect(await planUndo(home, id)).toBeUndefined();
  });

  it("and taking it back leaves no file where there was none", async () => {
    await connect(id);
    expect(Object.keys(await snapshot(root)).length).toBeGreaterThan(1);
    await undo(id);
    expect(await snapshot(root)).toEqual({});
  });

  it("keeps the token in files that only this person can read, and out of what is shown", async () => {
    for (const [path, text] of Object.entries(existing)) await write(inHome(path), text);
    const { changes } = await connect(id);
    for (const [path, content] of Object.entries(await snapshot(root))) {
      const [mode, bytes = ""] = content.split(" ");
      if (Buffer.from(bytes, "base64").includes(token)) expect(mode, path).toBe("600");
    }
    const shown = changes.map((change) => diffOf(change, token)).join("");
    expect(shown).not.toContain(token);
    expect(shown).toMatch(/^\+.*127\.0\.0\.1:8000/m);
  });

  it("is refused where the token would lie in a repository, and allowed where the repository ignores it", async () => {
    const withToken = clients[id].files(surroundings).filter((file) => file.hasToken);
    const repository = surroundings.userHome;
    await mkdir(repository, { recursive: true });
    execFileSync("git", ["init", "-q", repository]);
    const plan = () => planConnection(home, clients[id], surroundings);
    if (withToken.length > 0) await expect(plan()).rejects.toThrow("the token would be committed");
    await writeFile(join(repository, ".gitignore"), "*\n");
    await plan();
  });

  it("takes out only its own where the file was changed since, and says what it left", async () => {
    for (const [path, text] of Object.entries(existing)) await write(inHome(path), text);
    await connect(id);
    for (const file of clients[id].files(surroundings)) {
      const text = await readFile(file.path, "utf8");
      const comment = file.format === "json" ? `// theirs\n${text}` : `# theirs\n${text}`;
      await writeFile(file.path, comment);
    }
    const { notes } = await undo(id);
    expect(notes).toEqual([]);
    const now = Object.values(await snapshot(root)).map((each) =>
      Buffer.from(each.split(" ")[1] ?? "", "base64").toString(),
    );
    for (const text of now) expect(text).not.toMatch(/8000|sy-canary|[Ss]witchyard/);
    expect(now.filter((text) => text.includes("theirs")).length).toBeGreaterThan(0);
  });
});

describe("what is set up", () => {
  it("is Claude Code with its environment, its tools and its extension", async () => {
    await connect("claude-code");
    const { env } = JSON.parse(await readFile(inHome(".claude/settings.json"), "utf8"));
    expect(env).toMatchObject({
      ANTHROPIC_BASE_URL: "http://127.0.0.1:8000",
      ANTHROPIC_AUTH_TOKEN: token,
      ANTHROPIC_API_KEY: "",
      ANTHROPIC_DEFAULT_SONNET_MODEL: "claude-switchyard-code",
      CLAUDE_CODE_SUBAGENT_MODEL: "claude-switchyard-code",
      CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
      CLAUDE_CODE_AUTO_COMPACT_WINDOW: "32768",
      DISABLE_ERROR_REPORTING: "1",
    });
    const { mcpServers } = JSON.parse(await readFile(inHome(".claude.json"), "utf8"));
    expect(mcpServers["local-llm"]).toMatchObject({
      type: "http",
      url: "http://127.0.0.1:8000/mcp",
      headers: { Authorization: `Bearer ${token}` },
    });
    const settings = await readFile(join(surroundings.editorFolder, "settings.json"), "utf8");
    expect(JSON.parse(settings)).toMatchObject({ "claudeCode.disableLoginPrompt": true });
    expect(JSON.parse(settings)["claudeCode.environmentVariables"]).toContainEqual({
      name: "ANTHROPIC_BASE_URL",
      value: "http://127.0.0.1:8000",
    });
    // These may be carried to other machines.
    expect(settings).not.toContain(token);
  });

  it("is Codex over the Responses API", async () => {
    await write(inHome(".codex/config.toml"), existing[".codex/config.toml"] ?? "");
    await connect("codex");
    const text = await readFile(inHome(".codex/config.toml"), "utf8");
    expect(text).toContain('model = "switchyard/code" # keep\n');
    expect(text).toContain(
      '[model_providers.switchyard]\nname = "Switchyard"\nbase_url = "http://127.0.0.1:8000/v1"\nwire_api = "responses"\n',
    );
    expect(text).toContain('[mcp_servers.a]\ncommand = "x"\n');
  });

  it("leaves a value that somebody changed since, and names it", async () => {
    const path = await write(inHome(".codex/config.toml"), existing[".codex/config.toml"] ?? "");
    await connect("codex");
    await writeFile(path, (await readFile(path, "utf8")).replace('"switchyard/code"', '"o9"'));
    const { notes } = await undo("codex");
    expect(notes.map((note) => note.args)).toEqual([[path, "model"]]);
    const text = await readFile(path, "utf8");
    expect(text).toContain('model = "o9" # keep');
    expect(text).not.toContain("switchyard");
  });

  it("is written through a link, which stays one", async () => {
    const real = await write(join(root, "elsewhere", "config.toml"), existing[".codex/config.toml"] ?? "");
    await mkdir(inHome(".codex"), { recursive: true });
    await symlink(real, inHome(".codex/config.toml"));
    await connect("codex");
    expect(await realpath(inHome(".codex/config.toml"))).toBe(real);
    expect(await readFile(real, "utf8")).toContain("switchyard");
  });

  it("is nothing where a file cannot be understood: it is named, and none is changed", async () => {
    await write(inHome(".claude/settings.json"), '{ "env": ');
    const before = await snapshot(root);
    await expect(planConnection(home, clients["claude-code"], surroundings)).rejects.toThrow(
      inHome(".claude/settings.json"),
    );
    expect(await snapshot(root)).toEqual(before);
  });
});
