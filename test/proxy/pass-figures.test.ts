// What was passed on to Claude is in the figures for Prometheus, and no client can make them grow.
import { expect, it } from "vitest";
import { answer, refuse } from "../backends/claude-server.ts";
import { known } from "./harness.ts";
import { ask, model, small, start } from "./passing.ts";

it("counts answers, refusals and errors of Claude, under names that have a price", async () => {
  const overloaded = refuse(529, "overloaded_error", "Overloaded");
  const running = await start([answer({ pauseMs: 0 }), overloaded, answer({ pauseMs: 0 }), answer({ pauseMs: 0 })]);
  const tell = async (body: object) => (await ask(running, body)).text();
  await tell(small);
  await tell(small);
  await tell({ ...small, model: `${model}-20261123` });
  await tell({ ...small, model: "claude-of-my-own" });
  await ask(running, { model, messages: small.messages }, undefined, "/v1/messages/count_tokens");
  const key = ["ghp", "16C7e42F292c6912E7710c838347Ae178B4a"].join("_");
  expect((await ask(running, { ...small, system: `key ${key}` })).status).toBe(403);
  const text = await (await fetch(`${running.url}/metrics`, { headers: known })).text();
  const answers = (name: string, outcome: string) => {
    const labels = `{task="none",model="${name}",node="Claude",outcome="${outcome}"}`;
    return text.split("\n").find((line) => line.startsWith(`switchyard_answers_total${labels}`));
  };
  expect(answers(model, "done")).toMatch(/ 2$/);
  expect(answers(model, "failed")).toMatch(/ 2$/);
  expect(answers("other", "done")).toMatch(/ 1$/);
  expect(text).not.toContain("claude-of-my-own");
  expect(text).toContain('switchyard_errors_total{dialect="anthropic",status="529"} 1');
  expect(text).toContain('switchyard_requests_total{dialect="anthropic",outcome="failed"} 1');
});
