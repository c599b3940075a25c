// Fields of the dialects that nothing here can do: without a word about them the answer would be another one than was
// asked for. What only says how an answer is made or paid (`store`, `service_tier`, `user`, `cache_control`) is left out.
import { ProxyError } from "./proxy-error.ts";

const likelihood = "how likely each token was is not told here; leave it out";
const bias = "not supported by this service; leave it out";
const nothingKept = "nothing is kept here; send the whole conversation";

const unheard = {
  chat: {
    logprobs: likelihood,
    top_logprobs: likelihood,
    logit_bias: bias,
    functions: "send them as tools",
    audio: "answers are text; leave it out",
    web_search_options: "nothing is searched here; offer a tool that searches",
  },
  completions: {
    logprobs: likelihood,
    logit_bias: bias,
    suffix: "not supported by this service; send a prompt",
    echo: "not supported by this service",
  },
  responses: {
    top_logprobs: likelihood,
    prompt: "OpenAI’s kept prompts are not here; send its text as instructions",
    previous_response_id: `${nothingKept} as input`,
    conversation: `${nothingKept} as input`,
    background: "not supported by this service; use stream",
  },
  messages: {
    mcp_servers: "this service calls no MCP servers; offer their tools as tools, and call them yourself",
    container: "what runs in Anthropic’s containers is not here",
  },
  ollama: {
    logprobs: likelihood,
    top_logprobs: likelihood,
    raw: "not supported by this service; send a prompt, or messages to /api/chat",
    suffix: "not supported by this service; send a prompt",
    template: "not supported by this service; the model’s own is used",
    context: `${nothingKept} to /api/chat`,
  },
} as const;

/** @throws ProxyError 400 that names the first such field, and what to do */
export function refuseUnheard(body: unknown, dialect: keyof typeof unheard): void {
  if (typeof body !== "object" || body === null) return;
  for (const [field, why] of Object.entries(unheard[dialect])) {
    if (!saysNothing(field, Reflect.get(body, field))) throw new ProxyError(400, `${field}: ${why}`, { field });
  }
}

function saysNothing(field: string, value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return true;
  // These mean something where they are 0 or empty, too.
  if (field === "logprobs" || field === "web_search_options") return false;
  return value === 0 || (typeof value === "object" && Object.keys(value).length === 0);
}
