const loopback = "127.0.0.1,localhost,::1,[::1]";

/** Where Node is told to take requests through the proxy of the environment: what is asked on this machine stays on it. */
export function leaveOutLoopback(env: NodeJS.ProcessEnv): void {
  if (!env["NODE_USE_ENV_PROXY"]) return;
  const name = env["no_proxy"] === undefined ? "NO_PROXY" : "no_proxy";
  env[name] = [env[name], loopback].filter(Boolean).join(",");
}
