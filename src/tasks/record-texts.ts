// Texts of which vectors are made: where they go to another machine, that is in the ledger, as questions are.
import type { Embeddings } from "../core/backend.ts";
import type { RecordTexts } from "../core/embedding.ts";
import { estimateTokens } from "../core/estimate-tokens.ts";
import { freeEntry } from "../core/ledger.ts";
import { allowedAway, destinationOf, type LeaveParts } from "./leave.ts";
import { onRecord } from "./on-record.ts";

export function createRecordTexts(parts: LeaveParts): RecordTexts {
  return async (model, { texts }, embed) => {
    const allowedBy = allowedAway(model, parts);
    if (allowedBy === undefined) return embed();
    const entry = freeEntry({
      atMs: parts.nowMs(),
      destination: destinationOf(model),
      model: model.name,
      task: "embed",
      askedBy: parts.askedBy,
      bytes: new TextEncoder().encode(JSON.stringify(texts)).length,
      promptTokens: texts.reduce((sum, text) => sum + estimateTokens(text), 0),
      allowedBy,
      outcome: "sent",
    });
    const sending = {
      entry,
      costs: false,
      async *run() {
        yield await embed();
      },
      progressOf: ({ promptTokens }: Embeddings) => ({ promptTokens, outcome: "done" as const }),
    };
    for await (const made of onRecord(sending, parts)) return made;
    throw new Error("nothing was made");
  };
}
