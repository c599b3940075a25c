// Pictures in what is asked: with the question, among its sources, and in what was said before.
import type { Ask, Source } from "./task.ts";

/** Of the question itself, base64. */
export function picturesOf({ images = [], sources }: Pick<Ask, "images" | "sources">): readonly string[] {
  return [...images, ...sources.flatMap((source) => source.image ?? [])];
}

/** Whether only a model that sees can answer. */
export function hasPictures({ images, sources, history, ownPrompt }: Ask): boolean {
  const isShown = (said: { readonly images?: readonly string[] }) => (said.images?.length ?? 0) > 0;
  return (
    isShown({ images: images ?? [] }) ||
    sources.some((source) => source.image !== undefined) ||
    history.some(isShown) ||
    (ownPrompt?.messages?.some(isShown) ?? false)
  );
}

/** Sources that are text. */
export const textsOf = (sources: readonly Source[]): readonly Source[] =>
  sources.filter((source) => source.image === undefined);

/** Pictures that leave: nobody has looked for secrets in them. */
export interface PicturesSent {
  readonly count: number;
  readonly bytes: number;
}

/** @param images base64 */
export function sizeOf(images: readonly string[]): PicturesSent {
  const bytes = images.reduce((sum, each) => sum + Math.floor((each.replace(/=+$/, "").length * 3) / 4), 0);
  return { count: images.length, bytes };
}

/** What PNG, JPEG, GIF and WebP begin with: the formats every model that sees can read. */
const beginnings = [
  [0x89, 0x50, 0x4e, 0x47],
  [0xff, 0xd8, 0xff],
  [0x47, 0x49, 0x46, 0x38],
  [0x52, 0x49, 0x46, 0x46],
];

export function isPicture(bytes: Uint8Array): boolean {
  return beginnings.some((beginning) => beginning.every((byte, at) => bytes[at] === byte));
}

export const pictureEndings: readonly string[] = ["png", "jpg", "jpeg", "gif", "webp"];
/** Larger ones only fill the window: models make them smaller anyway. */
export const maxPictureBytes = 20 * 1024 * 1024;
