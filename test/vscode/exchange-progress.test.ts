import { expect, it } from "vitest";
import { formatMessage, msg } from "../../src/core/message.ts";
import type { ToPage } from "../../src/core/page-protocol.ts";
import type { Exchange } from "../../src/core/session.ts";
import { createProgress } from "../../src/vscode/exchange-progress.ts";

const asked: Exchange = {
  ...{ id: "e1", askedAtMs: 1, question: "why?", sources: [], answer: "", thinking: "", notices: [], findings: [] },
  state: "queued",
};

const progressTo = (posted: ToPage[]) =>
  createProgress("s", asked, {
    keeper: { put: () => undefined },
    stream: { push: () => undefined, flush: () => undefined, ack: () => undefined, restart: () => 0 },
    post: (_, message) => posted.push(message),
    isShown: () => true,
    say: formatMessage,
    onFailure: () => undefined,
  });

it("what each part of a long task says again is told once", () => {
  const progress = progressTo([]);
  const [same, other] = [msg("The model only repeated its instructions."), msg("Left out: {0}", "a")];
  for (const text of [same, other, same]) progress.see({ kind: "notice", text });
  expect(progress.exchange().notices).toEqual([same, other]);
});

it("what is waited for is told, and gone with the first word", () => {
  const posted: ToPage[] = [];
  const progress = progressTo(posted);
  progress.see({ kind: "waiting", before: 2 });
  expect(posted.at(-1)).toMatchObject({ detail: "Waiting: 2 before this one" });
  progress.see({ kind: "waiting", before: 0 });
  expect(posted.at(-1)).toMatchObject({ detail: "Waiting: this one is next" });
  progress.see({ kind: "writing", answerTokens: 8 });
  expect(posted.at(-1)).toMatchObject({ state: "streaming", detail: "Writing: 8 tokens so far" });
  progress.see({ kind: "text", text: "Because" });
  expect(posted.at(-1)).toMatchObject({ kind: "status", state: "streaming" });
  expect(posted.at(-1)).not.toHaveProperty("detail");
  const told = posted.length;
  progress.see({ kind: "text", text: " of that" });
  expect(posted).toHaveLength(told);
});
