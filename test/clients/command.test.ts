// `switchyard connect` as people type it.
import { existsSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findService } from "../../src/service/publication.ts";
import { builtEntry } from "../harness/command-line.ts";
import { newShell, type Shell } from "../service/serving.ts";

let shell: Shell;
let person = "";
beforeEach(async () => {
  shell = await newShell();
  person = join(shell.home, "person");
  await mkdir(join(person, ".codex"), { recursive: true });
});
afterEach(() => shell.close());

const own = "# mine\nmodel = 'gpt-5'\n";

it("starts the service, shows what it changes without the token, and --undo gives the file back", async () => {
  const file = join(person, ".codex", "config.toml");
  await writeFile(file, own, { mode: 0o640 });
  const env = { HOME: person, SWITCHYARD_EDITOR_FOLDER: join(person, "editor") };
  const dry = await shell.run(["connect", "codex", "--dry-run"], env);
  expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('+model_provider = "switchyard"') });
  expect(await readFile(file, "utf8")).toBe(own);

  const done = await shell.run(["connect", "codex"], env);
  expect(done.err).toContain("To take it back: switchyard connect codex --undo");
  const token = await shell.token();
  expect(done.out).not.toContain(token);
  const { signal } = new AbortController();
  const found = await findService(shell.home, token, signal);
  expect(await readFile(file, "utf8")).toContain(`base_url = "http://127.0.0.1:${found?.port}/v1"`);
  expect((await shell.run(["connect"], env)).out).toMatch(/codex +Codex +set up/);

  const undone = await shell.run(["connect", "codex", "--undo"], env);
  expect(undone.code).toBe(0);
  expect(await readFile(file, "utf8")).toBe(own);
  expect((await stat(file)).mode & 0o777).toBe(0o640);
  expect((await shell.run(["connect", "codex", "--undo"], env)).err).toContain("Codex is not set up.");
});

it.skipIf(!existsSync(builtEntry))("does all of it as shipped", async () => {
  const shipped = await newShell(builtEntry);
  try {
    const env = { HOME: shipped.home, SWITCHYARD_EDITOR_FOLDER: join(shipped.home, "editor") };
    const begun = await shipped.run(["serve", "--background"], env);
    expect(begun).toMatchObject({ code: 0, out: expect.stringMatching(/^Listening at/) });
    for (const id of ["claude-code", "cline", "continue", "codex", "vscode"]) {
      expect(await shipped.run(["connect", id], env)).toMatchObject({
        code: 0,
        out: expect.stringMatching(/^\+\+\+ /m),
      });
      expect(await shipped.run(["connect", id, "--undo"], env)).toMatchObject({ code: 0 });
    }
  } finally {
    await shipped.close();
  }
});

it("keeps a service that nobody asks as long as a program is set up to ask it", async () => {
  await mkdir(join(shell.home, "connections"));
  await writeFile(join(shell.home, "connections", "codex.json"), '{"files":[]}');
  const started = shell.start(["serve", "--idle", "0.01"]);
  const port = await shell.port();
  await sleep(1_500);
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
  await shell.run(["connect", "codex", "--undo"]);
  expect(await started.ended).toBe(0);
});
