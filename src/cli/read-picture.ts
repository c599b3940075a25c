// A picture for a question.
import { readFile, stat } from "node:fs/promises";
import { relative } from "node:path";
import { pathToFileURL } from "node:url";
import { msg } from "../core/message.ts";
import { isPicture, maxPictureBytes } from "../core/pictures.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { unreadable } from "./read-files.ts";

/** @throws TaskError `bad-input` that names the file and what is wrong with it */
export async function readPicture(name: string): Promise<Source> {
  const read = async () => {
    const { size } = await stat(name);
    if (size > maxPictureBytes) {
      const megabytes = Math.round(maxPictureBytes / 1024 / 1024);
      throw new TaskError("bad-input", msg("{0} is too large: pictures have {1} MB at most.", name, megabytes));
    }
    return readFile(name);
  };
  const bytes = await read().catch((error: unknown) => {
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
