// How it starts, what becomes of those who leave, of what is too large, and of streams when it is stopped.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../free-port.ts";
import { makePackage } from "../../package.ts";
import { root } from "../../run.ts";
import { median, quantile, type Row } from "../measure.ts";
import type { Target } from "./connection.ts";
import { memoryMB, type Program, runJob, startProgram } from "./programs.ts";
import type { Rig } from "./rig.ts";

export async function measureEnds(rig: Rig): Promise<readonly Row[]> {
  const ours = rig.targets.get("ours");
  const program = rig.programs.get("ours");
  if (!ours || !program) return [];
  const rows = [
    ...(await measureStart(rig)),
    await measureLeaving(rig, ours),
    ...(await measureOversize(ours, program)),
  ];
  return [...rows, await measureDrain(ours, program)];
}

/** In turn with Portkey. The first start after an update has nothing compiled that is kept. */
async function measureStart({ portkey, upstream }: Rig): Promise<readonly Row[]> {
  if (!portkey) return [];
  const start = async (home: string, args: (port: number) => readonly string[]) => {
    const port = await freePort();
    const env = { SWITCHYARD_HOME: home, OLLAMA_HOST: `http://127.0.0.1:${upstream.port}` };
    const program = await startProgram(0, args(port), env, { port });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const seen = { ms: program.readyMs, megabytes: memoryMB(program) };
    program.child.kill("SIGTERM");
    await once(program.child, "exit");
    return seen;
  };
  await makePackage();
  const cli = join(root, "out", "package", "dist", "cli.js");
  const home = await mkdtemp(join(tmpdir(), "switchyard-start-"));
  const service = (port: number) => [cli, "serve", "--port", String(port)];
  type Seen = Awaited<ReturnType<typeof start>>;
  const [first, ours, theirs]: [Seen[], Seen[], Seen[]] = [[], [], []];
  for (let round = 0; round < 7; round++) {
    await rm(join(home, "compiled"), { recursive: true, force: true });
    first.push(await start(home, service));
    ours.push(await start(home, service));
    theirs.push(await start(home, (port) => [portkey, `--port=${port}`, "--headless"]));
  }
  await rm(home, { recursive: true, force: true });
  const row = (name: string, seen: readonly Seen[], key: keyof Seen, better: number): Row => {
    const value = median(seen.map((each) => each[key]));
    const unit = key === "ms" ? "ms" : "MB";
    const goal = `≤ Portkey (better: ${better} ×)`;
    const peer = median(theirs.map((each) => each[key]));
    return { name, value, unit, goal, isMet: value <= peer, peer: { name: "Portkey", value: peer } };
  };
  return [
    row("10 ready after its start", ours, "ms", 0.6),
    row("10 ready after its first start", first, "ms", 0.6),
    row("10 memory when idle", ours, "megabytes", 0.8),
  ];
}

const jsonHead = ({ port, path, headers }: Target, more: string) =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}${more}\r\n\r\n`;

/** Until the model server sees that nobody listens any more. */
async function measureLeaving({ upstream }: Rig, target: Target): Promise<Row> {
  const seen = async (): Promise<{ left: number; leftAtMs: number }> =>
    JSON.parse(await (await fetch(`http://127.0.0.1:${upstream.port}/seen`)).text());
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    const before = (await seen()).left;
    const content = `Tell me story number ${round} tokens=4000 delay=5`;
    const body = JSON.stringify({ model: target.model, stream: true, messages: [{ role: "user", content }] });
    const socket = connect(target.port, "127.0.0.1");
    socket.write(jsonHead(target, `content-length: ${Buffer.byteLength(body)}`) + body);
    await once(socket, "data");
    const leftAtMs = performance.timeOrigin + performance.now();
    socket.destroy();
    let now = await seen();
    while (now.left === before) now = await seen();
    times.push(now.leftAtMs - leftAtMs);
  }
  const value = quantile(times, 0.99);
  const goal = "≤ 50 ms (better: 10 ms), always";
  return { name: "11 from leaving to the model's end (p99)", value, unit: "ms", goal, isMet: value <= 50 };
}

/** A body that never says how long it is, until it is refused. */
async function measureOversize(target: Target, program: Program): Promise<readonly Row[]> {
  const announced = connect(target.port, "127.0.0.1");
  const startMs = performance.now();
  announced.write(jsonHead(target, "content-length: 100000000"));
  await once(announced, "data");
  const ms = performance.now() - startMs;
  announced.destroy();
  const before = memoryMB(program);
  let highest = before;
  const socket = connect(target.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(jsonHead(target, "transfer-encoding: chunked"));
  let isRefused = false;
  socket.once("data", () => {
    isRefused = true;
  });
  const piece = `100000\r\n${"x".repeat(0x100000)}\r\n`;
  for (let megabytes = 0; megabytes < 100 && !isRefused && !socket.destroyed; megabytes++) {
    if (!socket.write(piece)) await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => undefined);
    highest = Math.max(highest, memoryMB(program));
  }
  socket.destroy();
  const value = highest - before;
  return [
    { name: "13 an announced body of 100 MB is refused", value: ms, unit: "ms", goal: "≤ 50 ms", isMet: ms <= 50 },
    {
      name: "13 memory for one of 64 MB and more",
      value,
      unit: "MB",
      goal: "≤ 80 MB: the limit is 64 MB",
      isMet: value <= 80,
    },
  ];
}

/** Last: afterwards it is gone. */
async function measureDrain(target: Target, program: Program): Promise<Row> {
  const wish = { bytes: 300, isStream: true, tokens: 150, delayMs: 20 };
  const running = runJob({ kind: "streams", target, wish, streams: 500, spreadMs: 500 });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  program.child.kill("SIGTERM");
  const { done, tokens, refused } = await running;
  // What had not begun is refused, and nothing of it is lost.
  const begun = 500 - refused;
  const value = (done / begun) * 100;
  const isMet = done === begun && tokens === begun * wish.tokens;
  return {
    name: "14 streams that were finished when it was stopped",
    value,
    unit: `% of ${begun} begun`,
    goal: "100 %",
    isMet,
  };
}
