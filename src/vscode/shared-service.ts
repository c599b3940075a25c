// The service for other programs, as this window sees it: found, started, watched, stopped. It is a process of its own.
import { homedir } from "node:os";
import * as vscode from "vscode";
import * as z from "zod/mini";
import { defaultSettings, parseSettings, type Settings } from "../core/settings.ts";
import type { Publication } from "../service/publication.ts";
import { readClaudeKey } from "./claude-key.ts";

export interface RunningService {
  readonly url: string;
  readonly token: string;
  readonly version: string;
  /** What the person should know of it, as the service says it. */
  readonly notice?: string;
}

export interface SharedService extends vscode.Disposable {
  /** Undefined where none runs that this window knows of. */
  current(): RunningService | undefined;
  readonly onDidChange: vscode.Event<RunningService | undefined>;
  /** Hears every request of a program: its route, and how the program names itself. */
  readonly onDidSee: vscode.Event<{ readonly route: string; readonly agent: string }>;
  /** The one that runs, else a new one. */
  start(signal: AbortSignal): Promise<RunningService>;
  stop(): Promise<void>;
  token(): Promise<string>;
  /** Where the product keeps its things. */
  home(): Promise<string>;
}

/** After this the window looks again whether there is a service, ms: another window or a shell may have started one. */
const lookAgainMs = 30_000;
/** The start of the editor is not delayed by it, ms. */
const firstLookMs = 2_000;

export function createSharedService(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): SharedService {
  const changed = new vscode.EventEmitter<RunningService | undefined>();
  const seen = new vscode.EventEmitter<{ readonly route: string; readonly agent: string }>();
  const closing = new AbortController();
  let running: RunningService | undefined;
  let watched: number | undefined;
  const parts = () => loadParts();
  const token = async () => {
    const { ownToken, home } = await parts();
    return process.env["SWITCHYARD_PROXY_TOKEN"] || (await ownToken(home));
  };
  const show = (next: RunningService | undefined) => {
    const isSame = next?.url === running?.url && next?.notice === running?.notice;
    running = next;
    if (!isSame) changed.fire(next);
  };

  const quietly = (work: () => Promise<void>) =>
    void work().catch((error: unknown) => log.warn(`service: ${String(error)}`));

  /** Stays connected, which also keeps the service from ending, until it ends. */
  async function watch(publication: Publication): Promise<void> {
    if (watched === publication.pid) return;
    watched = publication.pid;
    const { watchService, connectedIds, home } = await parts();
    let wasTold = false;
    try {
      for await (const event of watchService(publication, await token(), closing.signal)) {
        if (event.kind === "seen") seen.fire(event);
        wasTold ||= event.kind === "stopping";
      }
    } catch (error) {
      log.debug(`service: ${String(error)}`);
    }
    watched = undefined;
    show(undefined);
    if (closing.signal.aborted) return;
    await look();
    // One that was lost is started anew where programs count on it; one that was told to stop is not.
    if (running || wasTold || !isWanted(connectedIds(home).length)) return;
    log.warn("service: it was lost, and is started anew");
    await service.start(closing.signal);
  }

  async function adopt(publication: Publication): Promise<RunningService> {
    const { urlOf } = await parts();
    const found = { url: urlOf(publication), token: await token(), version: publication.version };
    const notice = await noticeOf(found);
    const next = { ...found, ...(notice ? { notice } : {}) };
    show(next);
    quietly(() => watch(publication));
    return next;
  }

  async function look(): Promise<void> {
    const { findService, home } = await parts();
    const found = await findService(home, await token(), closing.signal);
    if (found) await adopt(found);
    else show(undefined);
  }

  const service: SharedService = {
    current: () => running,
    onDidChange: changed.event,
    onDidSee: seen.event,
    token,
    home: async () => (await parts()).home,
    async start(signal) {
      const { startService, home } = await parts();
      await passOn(home);
      const entry = vscode.Uri.joinPath(context.extensionUri, "dist", "cli.js").fsPath;
      const env = { ...process.env, ...(await claudeKeyOf(context.secrets)) };
      const found = await startService({ home, token: await token(), entry, args: ["--idle"], env }, signal);
      return adopt(found);
    },
    async stop() {
      const { findService, stopService, home } = await parts();
      const found = await findService(home, await token(), closing.signal);
      if (found) await stopService(found, await token());
      show(undefined);
    },
    dispose() {
      closing.abort();
      clearTimeout(first);
      clearInterval(again);
      changed.dispose();
      seen.dispose();
    },
  };

  /** Starts it with the editor where the person wants that, or where a program is set up to ask it. */
  async function begin(): Promise<void> {
    const { connectedIds, home } = await parts();
    await passOn(home);
    if (isWanted(connectedIds(home).length)) await service.start(closing.signal);
    else await look();
  }
  const first = setTimeout(() => quietly(begin), firstLookMs);
  const again = setInterval(() => {
    if (vscode.window.state.focused) quietly(look);
  }, lookAgainMs);
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("switchyard")) quietly(async () => passOn((await parts()).home));
    }),
  );
  return service;
}

/** Read when it is first needed: the start of the editor does not pay for it. */
async function loadParts() {
  const [app, publication, start, stop, watch, token, clients] = await Promise.all([
    import("../app.ts"),
    import("../service/publication.ts"),
    import("../service/start-service.ts"),
    import("../service/stop-service.ts"),
    import("../service/watch-service.ts"),
    import("../service/token.ts"),
    import("../clients/connect.ts"),
  ]);
  return {
    ...publication,
    ...start,
    ...stop,
    ...watch,
    ...token,
    connectedIds: clients.connectedIds,
    home: app.defaultHome(process.env, process.platform, homedir()),
  };
}

const isWanted = (programs: number): boolean => programs > 0 || personSettings().startService;

async function passOn(home: string): Promise<void> {
  const { passSettings } = await import("../service/editor-settings.ts");
  await passSettings(home, personSettings());
}

/** The person's own: what a workspace says is for that workspace alone, and the service has none. */
function personSettings(): Settings {
  const configuration = vscode.workspace.getConfiguration("switchyard");
  const given = Object.keys(defaultSettings).flatMap((key) => {
    const value = configuration.inspect(key)?.globalValue;
    try {
      return value === undefined
        ? []
        : Object.entries({ [key]: parseSettings({ [key]: value })[key as keyof Settings] });
    } catch {
      // The window says so where it reads them for itself.
      return [];
    }
  });
  return parseSettings(Object.fromEntries(given));
}

/** The service has no secret storage: the key is told to it, where the person lets programs use it. */
async function claudeKeyOf(secrets: vscode.SecretStorage): Promise<{ readonly ANTHROPIC_API_KEY?: string }> {
  const key = personSettings().serviceClaude === "pass" ? await readClaudeKey(secrets) : undefined;
  return key === undefined ? {} : { ANTHROPIC_API_KEY: key };
}

const health = z.object({ notice: z.optional(z.string()) });

async function noticeOf({ url, token }: { readonly url: string; readonly token: string }): Promise<string | undefined> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${url}/health`, { headers, signal: AbortSignal.timeout(10_000), redirect: "error" });
    return health.parse(await answer.json()).notice;
  } catch {
    return undefined;
  }
}
