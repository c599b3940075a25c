// Node takes all requests through the proxy of the environment where it is told to; those to this machine are none of its.
import { spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import { pathToFileURL } from "node:url";
import { expect, it, onTestFinished } from "vitest";

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

it("what is asked on this machine does not go through the proxy of the environment", async () => {
  const seen: string[] = [];
  const proxy = createServer();
  proxy.on("connect", (request, socket) => {
    seen.push(request.url ?? "");
    socket.end("HTTP/1.1 502 no\r\n\r\n");
  });
  const port = await listen(createServer((_, response) => response.end("direct")));
  const HTTP_PROXY = `http://127.0.0.1:${await listen(proxy)}`;
  const module = pathToFileURL("src/cli/leave-out-loopback.ts").href;
  const code = `const { leaveOutLoopback } = await import("${module}");
    if (process.argv[1] === "leave") leaveOutLoopback(process.env);
    const answer = await fetch("http://127.0.0.1:${port}/").then((got) => got.text(), () => "failed");
    const outside = await fetch("http://switchyard.invalid/").then((got) => got.text(), () => "failed");
    console.log(answer, outside, process.env.NO_PROXY ?? process.env.no_proxy);`;
  const run = async (how: string, more: Record<string, string> = {}) => {
    const env = { PATH: process.env["PATH"], NODE_USE_ENV_PROXY: "1", HTTP_PROXY, ...more };
    const child = spawn(process.execPath, ["--input-type=module", "-e", code, how], { env });
    let said = "";
    child.stdout.on("data", (piece) => {
      said += piece;
    });
    await new Promise((resolve) => child.on("close", resolve));
    return said.trim();
  };
  expect(await run("stay")).toMatch(/^failed failed/);
  seen.length = 0;
  expect(await run("leave")).toBe("direct failed 127.0.0.1,localhost,::1,[::1]");
  expect(await run("leave", { no_proxy: "box.lan" })).toMatch(/^direct failed/);
  expect(seen).toEqual(["switchyard.invalid:80", "switchyard.invalid:80"]);
});
