// What stands in a request in Anthropic's own words, for whoever decides whether it may leave as it is.

import { priceOf } from "./cost.ts";
import { imageTokens } from "./count-prompt.ts";
import { estimateTokens } from "./estimate-tokens.ts";
import { type PicturesSent, sizeOf } from "./pictures.ts";

/** One string of it. */
export interface SaidText {
  readonly text: string;
  /** Such as `messages.3.content.0.input.command`. */
  readonly place: string;
  /** Name of the field that holds it, or holds the list it is in. */
  readonly key: string;
  /** Whether a tool is called with it, or a tool said it. */
  readonly part: "call" | "result" | "other";
}

export interface ClaudeBody {
  readonly model: string;
  /** In their order; pictures and documents as base64 are left out. */
  readonly texts: readonly SaidText[];
  /** With documents that are no text. */
  readonly pictures: PicturesSent;
  /** Estimated, of what can be seen here. */
  readonly promptTokens: number;
  /** Whether Anthropic would add to the prompt what is not in it: pages, files, results of tools that it runs. */
  readonly hasMore: boolean;
  /** What is asked for, else what the model can write. */
  readonly maxAnswerTokens: number;
  /** Whether some of the prompt is to be kept for an hour, which costs more. */
  readonly isKeptLong: boolean;
  /** Searches of the web that Anthropic may make for it. */
  readonly webSearches: number;
  /** A field that changes the price by what is not on the list. */
  readonly unpriced: string | undefined;
  /** Names of fields, each as often as it is there. */
  readonly names: number;
}

type Fields = Readonly<Record<string, unknown>>;

interface Node extends Omit<SaidText, "text"> {
  readonly value: unknown;
}

/** Bytes of a document, at least, that become a token. */
const documentBytesPerToken = 10;
/** Around each name and value. */
const fieldTokens = 2;
/** Shorter names of fields say nothing. */
const leastTold = 12;

/** Reads what there is; what has another shape than Anthropic's is read as texts all the same. */
export function readClaudeBody(json: unknown): ClaudeBody {
  const body = fieldsOf(json);
  const texts: SaidText[] = [];
  const pictures: string[] = [];
  let promptTokens = 0;
  let hasMore = [body["mcp_servers"], body["tools"]].some((each) => Array.isArray(each) && each.some(isRunElsewhere));
  let isKeptLong = false;
  let names = 0;
  // Its own stack: JSON may be nested deeper than functions can be.
  const left: Node[] = [{ value: json, place: "", key: "", part: "other" }];
  for (let node = left.pop(); node; node = left.pop()) {
    const { value, place, key, part } = node;
    if (typeof value === "string") {
      texts.push({ text: value, place, key, part });
      promptTokens += estimateTokens(value) + fieldTokens;
      isKeptLong ||= key === "ttl" && value === "1h";
      continue;
    }
    if (typeof value !== "object" || value === null) continue;
    const inside = partOf(fieldsOf(value), part);
    const media = key === "source" ? mediaIn(fieldsOf(value)) : undefined;
    hasMore ||= media?.isElsewhere ?? false;
    promptTokens += media?.tokens ?? 0;
    const isList = Array.isArray(value);
    for (const [name, child] of Object.entries(value).reverse()) {
      if (!isList) {
        names++;
        promptTokens += estimateTokens(name) + fieldTokens;
        if (name.length >= leastTold) texts.push({ text: name, place, key: "", part: inside });
      }
      if (name === "data" && media && !media.isElsewhere) {
        if (typeof child === "string") pictures.push(child);
        continue;
      }
      left.push({
        value: child,
        place: place === "" ? name : `${place}.${name}`,
        key: isList ? key : name,
        part: inside,
      });
    }
  }
  const { model, max_tokens: most } = body;
  const name = typeof model === "string" ? model : "";
  return {
    model: name,
    texts,
    pictures: sizeOf(pictures),
    promptTokens,
    hasMore,
    maxAnswerTokens: typeof most === "number" && most > 0 ? most : priceOf(name).maxAnswerTokens,
    isKeptLong,
    names,
    ...feesOf(body),
  };
}

/** Fields whose other values are dearer. */
const usualValues: Readonly<Record<string, string>> = { speed: "standard", inference_geo: "global" };

/** What is paid beside tokens. */
function feesOf(body: Fields): Pick<ClaudeBody, "webSearches" | "unpriced"> {
  const tools = Array.isArray(body["tools"]) ? body["tools"].filter(isRunElsewhere).map(fieldsOf) : [];
  const usesOf = ({ max_uses: most }: Fields) => (typeof most === "number" && most >= 0 ? most : undefined);
  const searches = tools.filter(({ type }) => /^web_search_/.test(String(type)));
  const fields = Object.entries(usualValues).find(([name, usual]) => (body[name] ?? usual) !== usual);
  const other = tools.find(({ type }) => !/^(?:web_search_|web_fetch_|mcp_toolset)/.test(String(type)));
  const unpriced =
    fields?.[0] ??
    (other ? String(other["type"]) : undefined) ??
    (searches.some((tool) => usesOf(tool) === undefined) ? "web_search without max_uses" : undefined);
  return { webSearches: searches.reduce((sum, tool) => sum + (usesOf(tool) ?? 0), 0), unpriced };
}

function partOf({ type }: Fields, outside: SaidText["part"]): SaidText["part"] {
  if (typeof type !== "string") return outside;
  if (/tool_use$/.test(type)) return "call";
  return /tool_result$/.test(type) ? "result" : outside;
}

/** A picture or a document that is no text. */
function mediaIn({ type, data, media_type: media }: Fields): { tokens: number; isElsewhere: boolean } | undefined {
  if (type === "url" || type === "file") return { tokens: 0, isElsewhere: true };
  if (type !== "base64" || typeof data !== "string") return undefined;
  const isPicture = typeof media === "string" && media.startsWith("image/");
  const documentTokens = Math.ceil((data.length * 3) / 4 / documentBytesPerToken);
  return { tokens: isPicture ? imageTokens : Math.max(imageTokens, documentTokens), isElsewhere: false };
}

/** Tools of Anthropic's own have a type and no schema; some of those add nothing that the client does not send. */
function isRunElsewhere(tool: unknown): boolean {
  const { type, input_schema: schema } = fieldsOf(tool);
  if (typeof type !== "string" || schema !== undefined) return false;
  return !/^(?:custom$|bash_|text_editor_|computer_|memory_|tool_search_)/.test(type);
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
