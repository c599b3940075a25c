// A picture for a question.
import { readFile, stat } from "node:fs/promises";
import { relative } from "node:path";
import { pathToFileURL } from "node:url";
import { msg } from "../core/message.ts";
import { isPicture, maxPictureBytes } from "../core/pictures.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { isMissing, unreadable } from "./read-files.ts";

/**
 * @param isQuestion whether the name may be the question, for there is none: --image takes all that follows
 * @throws TaskError `bad-input` that names the file and what is wrong with it
 */
export async function readPicture(name: string, isQuestion = false): Promise<Source> {
  const read = async () => {
    const { size } = await stat(name);
    if (size > maxPictureBytes) {
      const megabytes = Math.round(maxPictureBytes / 1024 / 1024);
      throw new TaskError("bad-input", msg("{0} is too large: pictures have {1} MB at most.", name, megabytes));
    }
    return readFile(name);
  };
  const bytes = await read().catch((error: unknown) => {
    if (isQuestion && isMissing(error))
      throw new TaskError(
        "bad-input",
        msg("There is no picture {0}. Is it the question? Say it before --image.", name),
        { cause: error },
      );
    throw error instanceof TaskError ? error : unreadable(name, error);
  });
  if (!isPicture(bytes)) {
    throw new TaskError("bad-input", msg("{0} is not a picture that models read: PNG, JPEG, GIF or WebP.", name));
  }
  return {
    uri: pathToFileURL(name).href,
    label: relative(process.cwd(), name) || name,
    text: "",
    image: bytes.toString("base64"),
    origin: "file",
  };
}
