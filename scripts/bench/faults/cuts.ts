// A thousand answers that break off, or fall silent, anywhere in between: none may look whole.

import { type Program, startProgram, startTool } from "../gateway/programs.ts";
import { buildService } from "../gateway/rig.ts";
import type { Row } from "../measure.ts";
import { ask, type Reply } from "./ask.ts";

/** Of each fault. */
const times = 500;

export async function measureCuts(): Promise<readonly Row[]> {
  const upstream = await startTool(1, "upstream.ts", {});
  const service = await startProgram(0, [await buildService()], { UPSTREAM: String(upstream.port) });
  try {
    const cut = await inTurns(service, "cut", 32);
    // Each is noticed after 30 seconds of silence: all at once.
    const stalled = await inTurns(service, "stall", times);
    const all = [...cut, ...stalled];
    const [whole, silent] = [all.filter((reply) => reply.looksWhole), all.filter((reply) => !reply.isTyped)];
    for (const reply of [...whole, ...silent].slice(0, 3)) console.log(reply.text.slice(-300));
    const row = (name: string, { length }: readonly Reply[]): Row => {
      return { name, value: length, unit: `of ${all.length}`, goal: "0", isMet: length === 0 };
    };
    return [row("12 cut or stalled answers that end as whole", whole), row("12 that end without an error", silent)];
  } finally {
    for (const { child } of [upstream, service]) child.kill("SIGKILL");
  }
}

async function inTurns(service: Program, fault: "cut" | "stall", atOnce: number): Promise<readonly Reply[]> {
  const replies: Reply[] = [];
  let turn = 0;
  const worker = async () => {
    while (turn < times) {
      const mine = turn++;
      const thousandths = 1 + Math.floor((mine * 999) / times);
      const content = `Please review function number ${mine}: tokens=20 ${fault}=${thousandths}`;
      const question = { turn: mine >> 1, model: "switchyard/auto", content, isStream: mine % 2 === 0 };
      replies.push(await ask(`http://127.0.0.1:${service.port}`, question));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return replies;
}
