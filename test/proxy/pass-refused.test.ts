// What keeps a request for Claude from being sent.
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { answer, testKey } from "../backends/claude-server.ts";
import { temporaryFolder } from "../harness/servers.ts";
import { rawRequest, sayHello, tag, token } from "./harness.ts";
import { ask, refusal, small, start, turn, withKey } from "./passing.ts";

it("lets nothing out while the setting is off, which it is unless the person says otherwise", async () => {
  const running = await start(undefined, { serviceClaude: "off" });
  expect((await refusal(running, small)).status).toBe(404);
  running.app.configure({ ...running.app.settings(), serviceClaude: "pass" });
  expect((await ask(running, small)).status).toBe(200);
});

it("keeps names that stand for models of this machine here: our aliases, and models with such a name", async () => {
  const running = await start(
    undefined,
    {},
    { chat: sayHello, models: [tag("claude-3-5-sonnet:latest", "completion")] },
  );
  for (const name of ["claude-local-llama3.1:8b", "claude-switchyard-auto", "claude-3-5-sonnet"]) {
    const messages = [{ role: "user", content: `Hello ${name}` }];
    expect((await ask(running, { ...small, model: name, messages })).status, name).toBe(200);
  }
  expect((await ask(running, { ...small, model: "claude-switchyard-typo" })).status).toBe(404);
  expect((await ask(running, { ...small, model: "claude-local-typo" })).status).toBe(404);
  expect(running.claude.requests).toEqual([]);
  expect(running.asked().filter((each) => each.messages.length > 0)).toHaveLength(3);
});

it("wants a token of the service before it spends anything", async () => {
  const running = await start(
    undefined,
    {},
    { options: { token: undefined }, app: { env: { ANTHROPIC_API_KEY: testKey } } },
  );
  expect(await refusal(running, small)).toMatchObject({ status: 403, message: expect.stringMatching(/--no-token/) });
  const asking = await start();
  expect((await refusal(asking, small, { ...withKey, "x-switchyard-token": "wrong" })).status).toBe(401);
});

it.each(["offline", "localOnly"] as const)("sends nothing while “%s” is on, and names it", async (setting) => {
  const running = await start(undefined, { [setting]: true });
  for (const path of ["/v1/messages", "/v1/messages/count_tokens"]) {
    const told = await refusal(running, small, withKey, path);
    expect(told).toMatchObject({ status: 403, type: "permission_error" });
    expect(told.message).toContain(`switchyard.${setting}`);
  }
});

// In two parts, so that nothing takes this file for one that holds a key.
const secret = ["ghp", "16C7e42F292c6912E7710c838347Ae178B4a"].join("_");
const said = (content: unknown) => ({ ...small, messages: [{ role: "user", content }] });

it.each([
  ["a question", said(`one\ntwo ${secret}`), /messages\.0\.content, line 2/],
  ["an escape of it", JSON.stringify(said(secret)).replace("ghp", "\\u0067hp"), /messages\.0\.content, line 1/],
  ["the rules", { ...small, system: [{ type: "text", text: secret }] }, /system\.0\.text/],
  [
    "a call",
    { ...small, messages: turn("Bash", { command: `curl -H ${secret}` }) },
    /messages\.1\.content\.0\.input\.command/,
  ],
  [
    "a result",
    { ...small, messages: turn("Bash", {}, [{ type: "text", text: secret }]) },
    /messages\.2\.content\.0\.content\.0\.text/,
  ],
  ["a tool", { ...small, tools: [{ name: "t", description: secret, input_schema: {} }] }, /tools\.0\.description/],
  ["the name of a field", { ...small, messages: turn("t", { [secret]: 1 }) }, /messages\.1\.content\.0\.input, line 1/],
  ["a field nobody knows", { ...small, x: { y: [secret] } }, /x\.y\.0/],
])("refuses a secret in %s, with its kind and place and never with itself", async (_, body, place) => {
  const running = await start();
  const told = await refusal(running, body);
  expect(told).toMatchObject({ status: 403, message: expect.stringMatching(place) });
  expect(told.message).toMatch(/GitHub/);
  expect(told.message + running.log.join("")).not.toContain(secret.slice(4, 12));
});

it("refuses its own token in a text or an address, and a secret in an address", async () => {
  const running = await start();
  expect((await refusal(running, said(`a\nmy ${token}`))).message).toMatch(/the token of this service.*line 2/);
  expect((await refusal(running, small, withKey, `/v1/messages?k=${token}`)).message).toMatch(/token of this service/);
  expect((await refusal(running, small, withKey, `/v1/messages?k=%67${secret.slice(1)}`)).message).toMatch(/GitHub/);
});

it("refuses with numbers what could go over a budget, and what has no price here", async () => {
  const running = await start(undefined, { dailyBudgetUsd: 0.001 });
  expect(await refusal(running, small)).toMatchObject({
    status: 403,
    message: expect.stringMatching(/it can cost up to \$0\.001\d, and \$0\.0010 of today’s \$0\.0010 are left/),
  });
  running.app.configure({ ...running.app.settings(), dailyBudgetUsd: 2 });
  const tool = (type: string, more: object = {}) => ({ ...small, tools: [{ type, name: "t", ...more }] });
  for (const [body, name] of [
    [{ ...small, speed: "fast" }, "speed"],
    [{ ...small, inference_geo: "us" }, "inference_geo"],
    [tool("code_execution_20260521"), "code_execution_20260521"],
    [tool("web_search_20250305"), "web_search without max_uses"],
  ] as const) {
    expect((await refusal(running, body)).message).toContain(`what “${name}” costs is not known here`);
  }
  // What Anthropic fetches by itself can fill the whole window.
  expect((await refusal(running, tool("web_fetch_20250910"))).message).toMatch(/up to \$2\.50/);
  expect((await refusal(running, tool("web_search_20250305", { max_uses: 20 }))).message).toMatch(/up to \$2\.70/);
  const page = [{ type: "document", source: { type: "url", url: "https://example.com/a.pdf" } }];
  expect((await refusal(running, said(page))).message).toMatch(/up to \$2\.50/);
  // A prompt that is kept for an hour costs more to write.
  const kept = [{ type: "text", text: "word ".repeat(450_000), cache_control: { type: "ephemeral", ttl: "1h" } }];
  expect((await refusal(running, said(kept))).message).toMatch(/up to \$2\.\d\d/);
  // Whatever a call of a tool is about.
  const call = turn("fetch", { type: "url", source: "https://example.com", tool: { type: "file" } });
  expect((await ask(running, { ...small, messages: call })).status).toBe(200);
});

it("holds the budget for requests at the same time", async () => {
  const running = await start([answer({ pauseMs: 10 })], { dailyBudgetUsd: 0.02 });
  const body = { ...small, max_tokens: 1500 };
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(running, body)));
  await Promise.all(answers.map((each) => each.text()));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403]);
});

it.each([
  ["read", (file: string) => turn("Read", { file_path: file })],
  ["written", (file: string) => turn("Write", { file_path: file, content: "x" })],
  [
    "read by a tool of another program",
    (file: string) => turn("read_files", { request: { filePaths: ["a.ts", file] } }),
  ],
  ["named in a command", (file: string) => turn("Bash", { command: `cd x && cat '${file}'|head` })],
  [
    "one of those that a command takes",
    (file: string) => turn("Bash", { command: `cat ${file.replace(/env$/, "e*")}` }),
  ],
  ["found in", (file: string) => turn("Grep", { pattern: "KEY" }, `src/a.ts:1:KEY\n${file}:3:KEY=1\n`)],
  ["in a change", (file: string) => turn("Bash", { command: "git diff" }, `diff --git a/${file} b/${file}\n+KEY`)],
  [
    "attached",
    (file: string) => [
      { role: "user", content: `Called the Read tool with the following input: {"file_path":"${file}"}` },
    ],
  ],
  [
    "selected",
    (file: string) => [{ role: "user", content: `The user selected the lines 1 to 2 from ${file}:\nKEY=1\n` }],
  ],
  ["remembered", (file: string) => [{ role: "user", content: `Contents of ${file} (project instructions):\n\nKEY` }]],
])("refuses the text of a local-only file that was %s, and names file and rule", async (_, messages) => {
  const folder = await temporaryFolder("pass");
  onTestFinished(() => folder.remove());
  const file = join(folder.path, ".env");
  await writeFile(file, "KEY=1\n");
  const told = await refusal(await start(), { ...small, messages: messages(file) });
  expect(told.status).toBe(403);
  const name = file.replace(/^\//, "").replace(/nv$/, "");
  expect(told.message).toMatch(new RegExp(`${name}(nv|\\*) is local only \\(the pattern “\\*\\*/\\.env`));
});

it("refuses what is in a folder with .localonly, found from the program's own working directory", async () => {
  const folder = await temporaryFolder("pass");
  onTestFinished(() => folder.remove());
  await mkdir(join(folder.path, "own"));
  await writeFile(join(folder.path, "own", "a.ts"), "1\n");
  await writeFile(join(folder.path, "own", ".localonly"), "");
  const running = await start();
  const system = (where: string) => ` - Primary working directory: ${where}\n - Is a git repository: true`;
  const inside = { ...small, system: system(join(folder.path, "own")) };
  expect((await refusal(running, inside)).message).toMatch(/the file \.localonly in/);
  for (const messages of [turn("Read", { file_path: "own/a.ts" }), turn("Bash", { command: "cat own/a.ts" })]) {
    const told = await refusal(running, { ...small, system: system(folder.path), messages });
    expect(told.message).toMatch(/own\/a\.ts is local only \(the file \.localonly in/);
  }
});

it("refuses what the settings of a workspace keep, as far as they lie in its folder", async () => {
  const folder = await temporaryFolder("pass");
  onTestFinished(() => folder.remove());
  await mkdir(join(folder.path, ".vscode"));
  const say = (settings: string) => writeFile(join(folder.path, ".vscode", "settings.json"), settings);
  const running = await start();
  const body = { ...small, messages: turn("Read", { file_path: join(folder.path, "src", "a.ts") }) };
  await say('{ // ours\n "switchyard.localOnly": true, }');
  expect((await refusal(running, body)).message).toMatch(/a\.ts is local only \(the workspace \S.* is local only\)/);
  await say('{ "switchyard.localOnlyPaths": ["src/**"] }');
  expect((await refusal(running, body)).message).toMatch(/a\.ts is local only \(the pattern “src\/\*\*”/);
  await say('{ "switchyard.localOnly": false }');
  expect((await ask(running, body)).status).toBe(200);
});

it("refuses what a window of the editor keeps, and what does not tell where it works while one keeps anything", async () => {
  const windows = () => [{ offline: false, localOnly: ["/work/own"] }];
  const running = await start(undefined, {}, { app: { windows } });
  const at = (where: string, messages: unknown = small.messages) => ({
    ...small,
    system: `Working directory: ${where}`,
    messages,
  });
  for (const body of [small, at("/work/own/src"), at("/work/other", turn("Read", { file_path: "/work/own/a.ts" }))]) {
    expect((await refusal(running, body)).message).toMatch(/the folder \/work\/own, which is open in the editor/);
  }
  expect((await ask(running, at("/work/other"))).status).toBe(200);
  const offline = await start(undefined, {}, { app: { windows: () => [{ offline: true, localOnly: [] }] } });
  expect((await refusal(offline, small)).message).toMatch(/switchyard\.offline/);
});

it("passes on talk of such files, lists of their names, and words that are no files", async () => {
  const running = await start();
  const talk = [
    { role: "user", content: "Add .env to .gitignore, and explain event.key and `server.key: |`." },
    ...turn("Bash", { command: "ls -a && node -e 'on(event.key)'" }, ".\n..\n.env\nid_rsa\nevent.key: x\n").slice(1),
  ];
  expect((await ask(running, { ...small, messages: talk })).status).toBe(200);
  const [entry] = await running.app.ledger.list();
  expect(entry?.sources).toEqual([]);
  const read = turn("Read", { file_path: "/work/src/a.ts" });
  expect((await ask(running, { ...small, messages: read })).status).toBe(200);
  expect((await running.app.ledger.list())[0]?.sources).toEqual([{ uri: "/work/src/a.ts" }]);
});

it("refuses web pages before anything else", async () => {
  const running = await start();
  const headers = { ...withKey, origin: "https://evil.example", host: `127.0.0.1:${running.port}` };
  const told = await rawRequest(running.port, {
    method: "POST",
    path: "/v1/messages",
    headers,
    body: JSON.stringify(small),
  });
  expect(told.status).toBe(403);
  expect(running.claude.requests).toEqual([]);
});

describe("a way round: text that has to stay is refused as well where", () => {
  const at = (where: string, messages: unknown) => ({ ...small, system: `Working directory: ${where}`, messages });

  async function ownFolder(settings?: string): Promise<{ readonly own: string; readonly other: string }> {
    const folder = await temporaryFolder("pass");
    onTestFinished(() => folder.remove());
    const [own, other] = [join(folder.path, "own notes"), join(folder.path, "other")];
    await mkdir(join(own, ".vscode"), { recursive: true });
    await mkdir(other);
    await writeFile(join(own, "a.ts"), "1\n");
    if (settings === undefined) await writeFile(join(own, ".localonly"), "");
    else await writeFile(join(own, ".vscode", "settings.json"), settings);
    return { own, other };
  }

  it.each([
    ["quoted", (own: string) => `cat "${own}/a.ts"`],
    ["escaped", (own: string) => `cat ${own.replaceAll(" ", "\\ ")}/a.ts`],
    ["found by a pattern of folders", (own: string) => `cat ${own.replace("own notes", "o*n*s")}/a.ts`],
    ["named from beside it", () => "cat '../own notes/a.ts'"],
  ])("a command names it %s", async (_, command) => {
    const { own, other } = await ownFolder();
    const told = await refusal(await start(), at(other, turn("Bash", { command: command(own) })));
    expect(told.message).toMatch(/local only \(the file \.localonly in/);
  });

  it("it is named by another name, or as an address", async () => {
    const { own, other } = await ownFolder('{ "switchyard.localOnly": true }');
    await symlink(own, join(other, "link"));
    const running = await start();
    for (const input of [{ file_path: join(other, "link", "a.ts") }, { uri: pathToFileURL(join(own, "a.ts")).href }]) {
      const told = await refusal(running, at(other, turn("Read", input)));
      expect(told.message).toMatch(/local only \(the workspace \S.* is local only\)/);
    }
  });

  it("a text that was pasted tells of another working directory", async () => {
    const { own } = await ownFolder();
    const pasted = { role: "user", content: "The log says:\nWorking directory: /nowhere\n" };
    const messages = [pasted, ...turn("Bash", { command: "cat 'own notes/a.ts'" })];
    const told = await refusal(await start(), at(dirname(own), messages));
    expect(told.message).toMatch(/local only \(the file \.localonly in/);
  });

  it("it lies in the folder of a window, and a command names it from elsewhere", async () => {
    const { own, other } = await ownFolder("{}");
    const windows = () => [{ offline: false, localOnly: [own] }];
    const running = await start(undefined, {}, { app: { windows } });
    for (const command of ["cat '../own notes/a.ts'", `head "${own}/a.ts"`]) {
      const told = await refusal(running, at(other, turn("Bash", { command })));
      expect(told.message).toMatch(/the folder .*own notes, which is open in the editor/);
    }
    expect((await ask(running, at(other, turn("Bash", { command: "ls / && cat a.ts" })))).status).toBe(200);
  });
});
