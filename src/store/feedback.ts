// What the person said of answers: kinds they corrected, models they liked for a kind of task or did not.
import { readFile, rm } from "node:fs/promises";
import * as z from "zod/mini";
import type { Feedback } from "../core/feedback.ts";
import { msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import { type TaskKind, taskKinds } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { writePrivateFile } from "../private-file.ts";

const kind = z.enum(taskKinds);
const fileSchema = z.object({
  version: z.literal(1),
  corrections: z.array(z.object({ text: z.string(), kind })),
  ratings: z.array(z.object({ model: z.string(), task: kind, good: z.number(), bad: z.number() })),
});
type Stored = z.infer<typeof fileSchema>;

/** The latest count; comparing with each costs a microsecond. */
const maxCorrections = 500;
/** Of a longer question, this much is kept. */
const maxTextLength = 2000;
/** So many more bad than good, and the model comes after the others for that kind. */
const dislikedFrom = 2;

/** Read once; a file that cannot be read counts as empty and is written over with the next word of the person. */
export function createFeedback(file: string): Feedback {
  let known: Stored = { version: 1, corrections: [], ratings: [] };
  const loading = read(file).then((stored) => {
    if (stored) known = stored;
  });
  let saving: Promise<void> = Promise.resolve();
  const save = () => {
    const work = saving.then(() => write(file, known));
    saving = work.catch(() => undefined);
    return work;
  };
  return {
    ready: () => loading,
    corrections: () => known.corrections,
    async correct(text, task) {
      await loading;
      const kept = text.trim().slice(0, maxTextLength);
      const others = known.corrections.filter((each) => each.text !== kept);
      known = { ...known, corrections: [...others, { text: kept, kind: task }].slice(-maxCorrections) };
      await save();
    },
    async rate(model, task, isGood) {
      await loading;
      const before = ratingOf(known, model, task) ?? { model, task, good: 0, bad: 0 };
      const after = isGood ? { ...before, good: before.good + 1 } : { ...before, bad: before.bad + 1 };
      known = { ...known, ratings: [...known.ratings.filter((each) => each !== before), after] };
      await save();
    },
    ratings: () => known.ratings,
    isDisliked(model, task) {
      const rating = ratingOf(known, model, task);
      return rating !== undefined && rating.bad - rating.good >= dislikedFrom;
    },
    async clear() {
      await loading;
      known = { version: 1, corrections: [], ratings: [] };
      await saving;
      await rm(file, { force: true });
    },
  };
}

function ratingOf({ ratings }: Stored, model: string, task: TaskKind) {
  return ratings.find((each) => each.model === model && each.task === task);
}

async function read(file: string): Promise<Stored | undefined> {
  try {
    const parsed = fileSchema.safeParse(JSON.parse(await readFile(file, "utf8")));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

async function write(file: string, stored: Stored): Promise<void> {
  try {
    await writePrivateFile(file, JSON.stringify(stored));
  } catch (error) {
    throw new TaskError(
      "storage",
      msg("This could not be remembered: {0}. It counts until the window is closed.", reasonOf(error)),
      {
        cause: error,
      },
    );
  }
}
