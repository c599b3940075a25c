import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withCorrections, withLatestCorrections } from "../../src/core/classifier/corrections.ts";
import { classify } from "../../src/core/classify.ts";
import { createFeedback } from "../../src/store/feedback.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-feedback-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const fileIn = () => join(folder, "deeper", "feedback.json");

it("a kind that was corrected is right the next time, in another window too", async () => {
  const text = "tell me about the frobnicator of this project";
  const before = classify({ text, sources: [], history: [] }).kind;
  const kind = before === "document" ? "analyze" : "document";
  await createFeedback(fileIn()).correct(text, kind);
  const later = createFeedback(fileIn());
  await later.ready();
  expect(withCorrections(classify, later.corrections())({ text, sources: [], history: [] }).kind).toBe(kind);
  expect((await stat(fileIn())).mode & 0o777).toBe(0o600);
});

it("a kind that is corrected while the window is open counts for the next question", async () => {
  const feedback = createFeedback(fileIn());
  const corrected = withLatestCorrections(classify, feedback.corrections);
  const ask = { text: "tell me about the frobnicator of this project", sources: [], history: [] };
  const before = corrected(ask).kind;
  for (const kind of ["review", "create"] as const) {
    await feedback.correct(ask.text, kind);
    expect(corrected(ask).kind).toBe(kind);
  }
  await feedback.clear();
  expect(corrected(ask).kind).toBe(before);
});

it("the last correction of a question counts", async () => {
  const feedback = createFeedback(fileIn());
  await Promise.all([
    feedback.correct("one", "review"),
    feedback.correct("one", "create"),
    feedback.correct("two", "chat"),
  ]);
  expect(feedback.corrections()).toEqual([
    { text: "one", kind: "create" },
    { text: "two", kind: "chat" },
  ]);
});

it("a model is disliked for a kind once it was clearly more often bad than good at it", async () => {
  const feedback = createFeedback(fileIn());
  await feedback.rate("m", "review", false);
  expect(feedback.isDisliked("m", "review")).toBe(false);
  await feedback.rate("m", "review", false);
  expect(feedback.isDisliked("m", "review")).toBe(true);
  expect(feedback.isDisliked("m", "chat")).toBe(false);
  await feedback.rate("m", "review", true);
  expect(feedback.isDisliked("m", "review")).toBe(false);
});

it("a broken file counts as empty, and forgetting deletes it", async () => {
  const file = join(folder, "feedback.json");
  await writeFile(file, '{"version":1,"corrections":[{"text":1}]}');
  const feedback = createFeedback(file);
  await feedback.ready();
  expect(feedback.corrections()).toEqual([]);
  await feedback.correct("a", "chat");
  expect(await readFile(file, "utf8")).toContain('"a"');
  await feedback.clear();
  await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
});
