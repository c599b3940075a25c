// The way out for requests that other programs make of Claude itself, where the person has opened it. They go as they
// are, so nothing can be masked: what must not leave is refused.
import { type ClaudeBody, readClaudeBody, type SaidText } from "../core/claude-body.ts";
import type { ClaudePass, PassEvent, PassRequest } from "../core/claude-pass.ts";
import { type PriceRange, priceRange } from "../core/cost.ts";
import { countNames } from "../core/json-names.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import type { PrivacyRule } from "../core/local-only.ts";
import { type Message, msg } from "../core/message.ts";
import { type PathMark, pathMarks } from "../core/path-marks.ts";
import { refuseModel } from "../core/policy.ts";
import { findSecrets } from "../core/secrets/find.ts";
import type { Settings } from "../core/settings.ts";
import { TaskError } from "../core/task-error.ts";
import { type ClaudeMeter, createClaudeMeter, createCountMeter } from "./claude-meter.ts";
import { refuseOverBudgetOf } from "./leave.ts";
import { onRecord, type RecordParts, unsent } from "./on-record.ts";

export interface PassParts extends RecordParts {
  readonly nowMs: () => number;
  readonly askedBy: LedgerEntry["askedBy"];
  /** For each the rule that keeps the text of that file here. */
  readonly rulesFor: (
    marks: readonly PathMark[],
    folders: readonly string[],
  ) => Promise<readonly (PrivacyRule | undefined)[]>;
  /** The rule that keeps all of it here. @param folders that it is about; empty: not known */
  readonly heldHere: (folders: readonly string[]) => PrivacyRule | undefined;
  /** Key of the person, for programs that bring none. */
  readonly ownKey: () => string | undefined;
  readonly destination: () => string;
  readonly send: (
    sent: Pick<PassRequest, "path" | "headers" | "body">,
    signal: AbortSignal,
  ) => AsyncIterable<PassEvent>;
}

/** Shorter texts hold no secret. */
const minSecretLength = 8;
/** Files that an entry of the ledger names at most. */
const maxSources = 100;

export function createClaudePass(parts: PassParts): ClaudePass {
  return async function* pass(request, signal) {
    const said = readClaudeBody(request.json);
    // Claude may read the other one.
    if (countNames(request.body) !== said.names) throw doubled();
    refuseKept(said.model, parts.settings());
    const headers = withKey(request, parts.ownKey());
    refuseSecrets(said, request);
    const price = priceOfRequest(said, request.path);
    await refuseOverBudgetOf(price, parts);
    const files = await namedFiles(said, parts);
    signal.throwIfAborted();
    // Offline may have been turned on since.
    refuseKept(said.model, parts.settings());
    const { path, body } = request;
    const meter = price ? createClaudeMeter({ ...said, nowMs: parts.nowMs }) : createCountMeter();
    yield* onRecord(
      {
        entry: entryOf(said, request, files, price, parts),
        costs: price !== undefined,
        run: () => metered(parts.send({ path, headers, body }, signal), meter),
        ended: (how) =>
          how.kind === "whole"
            ? meter.whole()
            : how.kind === "failed" && isUnsent(how.error)
              ? unsent
              : meter.partial(),
      },
      parts,
    );
  };
}

async function* metered(events: AsyncIterable<PassEvent>, meter: ClaudeMeter): AsyncIterable<PassEvent> {
  for await (const event of events) {
    if (event.kind === "head") meter.head(event.status, event.headers["content-type"] ?? "");
    else meter.read(event.bytes);
    yield event;
  }
}

function refuseKept(model: string, { offline, localOnly }: Settings): void {
  if (offline || localOnly) throw kept(model, offline ? "offline" : "localOnly");
}

function kept(model: string, setting: string): TaskError {
  return new TaskError(
    "local-only",
    msg(
      "Nothing was sent to {0}: the setting “switchyard.{1}” is on. Turn it off, or name a model on this machine.",
      model,
      setting,
    ),
  );
}

/** The program's own, else the person's; never the secret of this service, whatever variable it was put into. */
function withKey({ headers, token }: PassRequest, ownKey: string | undefined): PassRequest["headers"] {
  if (headers["x-api-key"] !== undefined || headers["authorization"] !== undefined) return headers;
  const key = ownKey?.trim() ?? "";
  if (/^[\x21-\x7e]+$/.test(key) && !key.includes(token)) return { ...headers, "x-api-key": key };
  throw new TaskError(
    "cloud-refused",
    msg(
      "Nothing was sent to Claude: there is no key for it. Send one of your own as “x-api-key”, and the token of this service as “x-switchyard-token”; or set ANTHROPIC_API_KEY where the service is started.",
    ),
  );
}

function refuseSecrets({ model, texts }: ClaudeBody, { path, token }: PassRequest): void {
  const query: SaidText = { text: decoded(path), place: "?", key: "", part: "other" };
  for (const { text, place } of [query, ...texts]) {
    if (text.length < minSecretLength) continue;
    const own = text.indexOf(token);
    const [found] = findSecrets(text);
    if (own >= 0)
      throw secretError(model, msg("the token of this service"), place, text.slice(0, own).split("\n").length);
    if (found) throw secretError(model, found.label, place, found.line);
  }
}

function secretError(model: string, label: Message, place: string, line: number): TaskError {
  return new TaskError(
    "local-only",
    msg(
      "Nothing was sent to {0}: there is a secret in it ({1}, at {2}, line {3}), and what is passed on is not altered. Go back to before it was read or start a new conversation, or name a model on this machine.",
      model,
      label,
      place,
      line,
    ),
  );
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function doubled(): TaskError {
  return new TaskError(
    "bad-input",
    msg("Nothing was sent to Claude: a field is in the request twice, so what is read of it here is not all of it."),
  );
}

/** Undefined for what is free. @throws TaskError `cloud-limit` where it cannot be known */
function priceOfRequest(said: ClaudeBody, path: string): PriceRange | undefined {
  if (!isMessage(path)) return undefined;
  const { model, promptTokens, maxAnswerTokens, hasMore, isKeptLong, webSearches, unpriced } = said;
  if (unpriced !== undefined) {
    throw new TaskError(
      "cloud-limit",
      msg("Nothing was sent: what “{0}” costs is not known here, so no budget could hold. Leave it out.", unpriced),
    );
  }
  return priceRange(model, promptTokens, maxAnswerTokens, { isKeptLong, webSearches, fillsWindow: hasMore });
}

const isMessage = (path: string) => /^\/v1\/messages(?:\?|$)/.test(path);

/** @throws TaskError `local-only` for the first that has to stay */
async function namedFiles({ model, texts }: ClaudeBody, { rulesFor, heldHere }: PassParts): Promise<readonly string[]> {
  const { marks, folders } = pathMarks(texts);
  const named = marks.filter(({ isGuess }) => !isGuess).map(({ path }) => path);
  const held = heldHere(folders.length === 0 ? [] : [...folders, ...named]);
  if (held) throw refuseModel(model, [{ label: "", rule: held }]);
  const rules = await rulesFor(marks, folders);
  for (const [at, { path }] of marks.entries()) {
    const rule = rules[at];
    if (rule) throw refuseModel(model, [{ label: path, rule }]);
  }
  return named;
}

function entryOf(
  { model, promptTokens, pictures }: ClaudeBody,
  { body }: PassRequest,
  files: readonly string[],
  price: PriceRange | undefined,
  parts: PassParts,
): LedgerEntry {
  return {
    id: crypto.randomUUID(),
    atMs: parts.nowMs(),
    destination: parts.destination(),
    model,
    task: "chat",
    askedBy: parts.askedBy,
    sources: files.slice(0, maxSources).map((uri) => ({ uri })),
    bytes: body.length,
    promptTokens,
    answerTokens: 0,
    costUsd: price?.maxUsd ?? 0,
    allowedBy: "serviceClaude",
    ...(pictures.count > 0 ? { pictures } : {}),
    maskedSecrets: 0,
    outcome: "sent",
  };
}

const isUnsent = (error: unknown) => error instanceof TaskError && error.kind === "server-unreachable";
