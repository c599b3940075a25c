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

/** After this the window looks again whether there is a service, ms: another window or a shell may have started one. */
const lookAgainMs = 30_000;
/** The start of the editor is not delayed by it, ms. */
const firstLookMs = 2_000;

export class SharedService implements vscode.Disposable {
  readonly #context: vscode.ExtensionContext;
  readonly #log: vscode.LogOutputChannel;
  readonly #changed = new vscode.EventEmitter<RunningService | undefined>();
  readonly #seen = new vscode.EventEmitter<{ readonly route: string; readonly agent: string }>();
  readonly #closing = new AbortController();
  readonly #first: NodeJS.Timeout;
  readonly #again: NodeJS.Timeout;
  #running: RunningService | undefined;
  #watchedPid: number | undefined;

  readonly onDidChange = this.#changed.event;
  /** Hears every request of a program: its route, and how the program names itself. */
  readonly onDidSee = this.#seen.event;

  constructor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel) {
    this.#context = context;
    this.#log = log;
    this.#first = setTimeout(() => this.#quietly(() => this.#begin()), firstLookMs);
    this.#again = setInterval(() => {
      if (vscode.window.state.focused) this.#quietly(() => this.#look());
    }, lookAgainMs);
    context.subscriptions.push(
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("switchyard")) this.#quietly(async () => passOn(await this.home()));
      }),
    );
  }

  /** Undefined where none runs that this window knows of. */
  current(): RunningService | undefined {
    return this.#running;
  }

  async token(): Promise<string> {
    const { ownToken, home } = await loadParts();
    return process.env["SWITCHYARD_PROXY_TOKEN"] || (await ownToken(home));
  }

  /** Where the product keeps its things. */
  async home(): Promise<string> {
    return (await loadParts()).home;
  }

  /** The one that runs, else a new one. */
  async start(signal: AbortSignal): Promise<RunningService> {
    const { startService, home } = await loadParts();
    await passOn(home);
    const entry = vscode.Uri.joinPath(this.#context.extensionUri, "dist", "cli.js").fsPath;
    const env = { ...process.env, ...(await claudeKeyOf(this.#context.secrets)) };
    const found = await startService({ home, token: await this.token(), entry, args: ["--idle"], env }, signal);
    return this.#adopt(found);
  }

  async stop(): Promise<void> {
    const { findService, stopService, home } = await loadParts();
    const found = await findService(home, await this.token(), this.#closing.signal);
    if (found) await stopService(found, await this.token());
    this.#show(undefined);
  }

  dispose(): void {
    this.#closing.abort();
    clearTimeout(this.#first);
    clearInterval(this.#again);
    this.#changed.dispose();
    this.#seen.dispose();
  }

  /** Starts it with the editor where the person wants that, or where a program is set up to ask it. */
  async #begin(): Promise<void> {
    const { connectedIds, home } = await loadParts();
    await passOn(home);
    if (isWanted(connectedIds(home).length)) await this.start(this.#closing.signal);
    else await this.#look();
  }

  async #look(): Promise<void> {
    const { findService, home } = await loadParts();
    const found = await findService(home, await this.token(), this.#closing.signal);
    if (found) await this.#adopt(found);
    else this.#show(undefined);
  }

  async #adopt(publication: Publication): Promise<RunningService> {
    const { urlOf } = await loadParts();
    const found = { url: urlOf(publication), token: await this.token(), version: publication.version };
    const notice = await noticeOf(found);
    const next = { ...found, ...(notice ? { notice } : {}) };
    this.#show(next);
    this.#quietly(() => this.#watch(publication));
    return next;
  }

  #show(next: RunningService | undefined): void {
    const isSame = next?.url === this.#running?.url && next?.notice === this.#running?.notice;
    this.#running = next;
    if (!isSame) this.#changed.fire(next);
  }

  async #watch(publication: Publication): Promise<void> {
    if (this.#watchedPid === publication.pid) return;
    this.#watchedPid = publication.pid;
    const wasTold = await this.#listen(publication);
    this.#watchedPid = undefined;
    this.#show(undefined);
    if (this.#closing.signal.aborted) return;
    await this.#look();
    const { connectedIds, home } = await loadParts();
    // One that was lost is started anew where programs count on it; one that was told to stop is not.
    if (this.#running || wasTold || !isWanted(connectedIds(home).length)) return;
    this.#log.warn("service: it was lost, and is started anew");
    await this.start(this.#closing.signal);
  }

  /** Stays connected, which also keeps the service from ending, until it ends. @returns whether it said that it would */
  async #listen(publication: Publication): Promise<boolean> {
    const { watchService } = await loadParts();
    let wasTold = false;
    try {
      for await (const event of watchService(publication, await this.token(), this.#closing.signal)) {
        if (event.kind === "seen") this.#seen.fire(event);
        wasTold ||= event.kind === "stopping";
      }
    } catch (error) {
      this.#log.debug(`service: ${String(error)}`);
    }
    return wasTold;
  }

  #quietly(work: () => Promise<void>): void {
    void work().catch((error: unknown) => this.#log.warn(`service: ${String(error)}`));
  }
}

/** Read when it is first needed: the start of the editor does not pay for it. */
async function loadParts() {
  const [{ defaultHome }, publication, start, stop, watch, token, { connectedIds }] = await Promise.all([
    import("../home.ts"),
    import("../service/publication.ts"),
    import("../service/start-service.ts"),
    import("../service/stop-service.ts"),
    import("../service/watch-service.ts"),
    import("../service/token.ts"),
    import("../clients/connected.ts"),
  ]);
  return {
    ...publication,
    ...start,
    ...stop,
    ...watch,
    ...token,
    connectedIds,
    home: defaultHome(process.env, process.platform, homedir()),
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
