// The package's entry loads its fetch, web sockets, caches and mocks as well: half of what the program would read.
declare module "undici/lib/dispatcher/agent.js" {
  const Agent: typeof import("undici").Agent;
  type Agent = import("undici").Agent;
  export default Agent;
}
