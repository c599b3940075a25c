import type { McpEndpoint, McpEndpointOptions } from "./http.ts";

/** The endpoint, read at its first request: most services never get one, and the protocol is large. */
export function createLazyMcpEndpoint(options: McpEndpointOptions): McpEndpoint {
  let opened: Promise<McpEndpoint> | undefined;
  return {
    path: "/mcp",
    async handle(request, response, body) {
      opened ??= import("./http.ts").then(({ createMcpEndpoint }) => createMcpEndpoint(options));
      return (await opened).handle(request, response, body);
    },
    close: async () => (await opened)?.close(),
  };
}
