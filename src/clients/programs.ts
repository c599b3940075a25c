// The programs that can be set up, and what each wants in its files.
import { join } from "node:path";
import { msg } from "../core/message.ts";
import { aliasForClaude } from "./aliases.ts";
import type { Client, ClientId, ClientSetting, Surroundings } from "./client.ts";

/** Claude Code asks with about 50,000 tokens of its own before anything is said. */
const claudeCodeTokens = 65_536;
const serverName = "local-llm";
const bearer = (token: string) => `Bearer ${token}`;

/** What `ollama launch claude` sets, for our address; nothing is reported anywhere. */
function claudeEnvironment({ url, model, contextTokens }: Surroundings): Readonly<Record<string, string>> {
  const alias = aliasForClaude(model);
  return {
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: "",
    ANTHROPIC_DEFAULT_OPUS_MODEL: alias,
    ANTHROPIC_DEFAULT_SONNET_MODEL: alias,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: alias,
    CLAUDE_CODE_SUBAGENT_MODEL: alias,
    CLAUDE_CODE_AUTO_COMPACT_WINDOW: String(contextTokens),
    CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1",
    CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
    CLAUDE_CODE_TOTAL_TOKENS_REMINDER: "off",
    CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY: "1",
    DISABLE_ERROR_REPORTING: "1",
    DISABLE_FEEDBACK_COMMAND: "1",
    DISABLE_TELEMETRY: "1",
  };
}

const claudeCode: Client = {
  id: "claude-code",
  name: "Claude Code",
  agent: /^claude-(cli|code)/i,
  files(surroundings) {
    const { url, token, userHome, editorFolder, env } = surroundings;
    const folder = env["CLAUDE_CONFIG_DIR"] || join(userHome, ".claude");
    const environment = claudeEnvironment(surroundings);
    const variables = Object.entries(environment).map(
      ([name, value]): ClientSetting => ({
        path: ["claudeCode.environmentVariables", { key: "name", is: name }],
        value: { name, value },
      }),
    );
    const mcp = { type: "http", url: `${url}/mcp`, headers: { Authorization: bearer(token) }, timeout: 600_000 };
    return [
      {
        path: join(folder, "settings.json"),
        format: "json",
        hasToken: true,
        settings: Object.entries({ ...environment, ANTHROPIC_AUTH_TOKEN: token }).map(([name, value]) => ({
          path: ["env", name],
          value,
        })),
      },
      {
        path: env["CLAUDE_CONFIG_DIR"] ? join(folder, ".claude.json") : join(userHome, ".claude.json"),
        format: "json",
        hasToken: true,
        settings: [{ path: ["mcpServers", serverName], value: mcp }],
      },
      // The extension reads the token from the file above: these settings may be carried to other machines.
      {
        path: join(editorFolder, "settings.json"),
        format: "json",
        hasToken: false,
        settings: [...variables, { path: ["claudeCode.disableLoginPrompt"], value: true }],
      },
    ];
  },
  notes: ({ contextTokens }) => [
    msg("Start Claude Code anew: it reads its settings when it starts."),
    ...(contextTokens < claudeCodeTokens
      ? [
          msg(
            "Claude Code asks with about 50,000 tokens before anything is said. Set “maxContextTokens” to {0} or more; it is {1}.",
            claudeCodeTokens,
            contextTokens,
          ),
        ]
      : []),
  ],
};

const cline: Client = {
  id: "cline",
  name: "Cline",
  agent: /cline/i,
  files({ url, token, model, userHome, env }) {
    const folder = join(env["CLINE_DIR"] || join(userHome, ".cline"), "data");
    const state = {
      actModeApiProvider: "openai",
      planModeApiProvider: "openai",
      openAiBaseUrl: `${url}/v1`,
      actModeOpenAiModelId: model,
      planModeOpenAiModelId: model,
    };
    const mcp = { type: "streamableHttp", url: `${url}/mcp`, headers: { Authorization: bearer(token) }, timeout: 600 };
    return [
      {
        path: join(folder, "globalState.json"),
        format: "json",
        hasToken: false,
        settings: Object.entries(state).map(([key, value]) => ({ path: [key], value })),
      },
      {
        path: join(folder, "secrets.json"),
        format: "json",
        hasToken: true,
        settings: [{ path: ["openAiApiKey"], value: token }],
      },
      {
        path: join(folder, "settings", "cline_mcp_settings.json"),
        format: "json",
        hasToken: true,
        settings: [{ path: ["mcpServers", serverName], value: mcp }],
      },
    ];
  },
  notes: () => [msg("Reload the window: Cline reads its files when it starts, and writes over them while it runs.")],
};

const continueDev: Client = {
  id: "continue",
  name: "Continue",
  agent: /continue/i,
  files({ url, token, model, contextTokens, userHome, env }) {
    const folder = env["CONTINUE_GLOBAL_DIR"] || join(userHome, ".continue");
    // Kept beside the file, which people share.
    const secret = "$" + "{{ secrets.SWITCHYARD_TOKEN }}";
    const defaults = { name: "Local Assistant", version: "1.0.0", schema: "v1" };
    const entry = {
      name: "Switchyard",
      provider: "openai",
      model,
      apiBase: `${url}/v1`,
      apiKey: secret,
      roles: ["chat", "edit", "apply"],
      defaultCompletionOptions: { contextLength: contextTokens },
    };
    const mcp = {
      name: serverName,
      type: "streamable-http",
      url: `${url}/mcp`,
      requestOptions: { headers: { Authorization: `Bearer ${secret}` } },
    };
    return [
      {
        path: join(folder, "config.yaml"),
        format: "yaml",
        hasToken: false,
        settings: [
          ...Object.entries(defaults).map(([key, value]) => ({ path: [key], value, isDefault: true as const })),
          { path: ["models", { key: "name", is: entry.name }], value: entry },
          { path: ["mcpServers", { key: "name", is: serverName }], value: mcp },
        ],
      },
      {
        path: join(folder, ".env"),
        format: "env",
        hasToken: true,
        settings: [{ path: ["SWITCHYARD_TOKEN"], value: token }],
      },
    ];
  },
  notes: () => [msg("Choose the model “Switchyard” in {0}.", "Continue")],
};

const codex: Client = {
  id: "codex",
  name: "Codex",
  agent: /codex/i,
  files({ url, token, model, contextTokens, userHome, env }) {
    const provider = {
      name: "Switchyard",
      base_url: `${url}/v1`,
      wire_api: "responses",
      experimental_bearer_token: token,
    };
    const mcp = { url: `${url}/mcp`, http_headers: { Authorization: bearer(token) }, tool_timeout_sec: 600 };
    return [
      {
        path: join(env["CODEX_HOME"] || join(userHome, ".codex"), "config.toml"),
        format: "toml",
        hasToken: true,
        settings: [
          { path: ["model"], value: model },
          { path: ["model_provider"], value: "switchyard" },
          { path: ["model_context_window"], value: contextTokens },
          { path: ["model_providers", "switchyard"], value: provider },
          { path: ["mcp_servers", serverName], value: mcp },
        ],
      },
    ];
  },
  notes: () => [msg("Start Codex anew: it reads its settings when it starts.")],
};

const vscodeChat: Client = {
  id: "vscode",
  name: "VS Code",
  agent: /vscode|copilot|electron|node/i,
  files({ url, model, contextTokens, editorFolder }) {
    const answerTokens = Math.min(8192, Math.floor(contextTokens / 4));
    const entry = {
      name: "Switchyard",
      vendor: "customendpoint",
      // The editor asks for it once and keeps it among its secrets.
      apiKey: "$" + "{input:switchyard-token}",
      apiType: "chat-completions",
      models: [
        {
          id: model,
          name: `Switchyard ${model.replace("switchyard/", "")}`,
          url: `${url}/v1/chat/completions`,
          toolCalling: true,
          vision: false,
          maxInputTokens: contextTokens - answerTokens,
          maxOutputTokens: answerTokens,
        },
      ],
    };
    return [
      {
        path: join(editorFolder, "chatLanguageModels.json"),
        format: "json",
        hasToken: false,
        settings: [{ path: [{ key: "name", is: entry.name }], value: entry }],
      },
    ];
  },
  notes: () => [msg("VS Code asks for the token once. “switchyard serve --show-token” prints it.")],
};

export const clients: Readonly<Record<ClientId, Client>> = {
  "claude-code": claudeCode,
  cline,
  continue: continueDev,
  codex,
  vscode: vscodeChat,
};
